import type { Clock } from './clock.ts';
import type { RemoteClock } from './remote-clock.ts';
import type { Service } from './service.ts';
import { createTicks } from './ticks.ts';

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
  const readOnce = async () => remoteClock.observe(await read());
  const ticks = intervalMs === null ? undefined : createTicks({ tick: readOnce, intervalMs, clock, onError });

  return {
    async start() {
      for (let count = 0; count < FIRST_READINGS; count++) await readOnce();
      await ticks?.start();
    },
    stop: () => ticks?.stop() ?? Promise.resolve(),
  };
}
