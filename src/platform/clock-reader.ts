import type { Clock } from './clock.ts';
import type { RemoteClock } from './remote-clock.ts';
import type { Service } from './service.ts';

/** The first estimate rests on the best of these. */
const FIRST_READINGS = 5;

/**
 * Reads a remote clock a few times at start, so that there is an estimate, and then every `intervalMs`; never again where
 * that is null because something else reads it on its way.
 */
export function createClockReader(deps: {
  read: () => Promise<number>;
  remoteClock: RemoteClock;
  clock: Clock;
  intervalMs: number | null;
  onError: (error: unknown) => void;
}): Service {
  const { read, remoteClock, clock, intervalMs, onError } = deps;
  let cancel = () => {};
  let stopped = false;

  async function readAgain(): Promise<void> {
    await read().then((reading) => remoteClock.observe(reading), onError);
    scheduleNext();
  }

  function scheduleNext(): void {
    if (intervalMs !== null && !stopped) cancel = clock.after(intervalMs, () => void readAgain());
  }

  return {
    async start() {
      for (let count = 0; count < FIRST_READINGS; count++) remoteClock.observe(await read());
      scheduleNext();
    },
    stop() {
      stopped = true;
      cancel();
      return Promise.resolve();
    },
  };
}
