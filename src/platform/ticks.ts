import type { Clock } from './clock.ts';
import type { Service } from './service.ts';

/**
 * Does something at once and then every so often, counted from beginning to beginning; a failure ends the one tick alone.
 * `stop` resolves when the tick under way has ended.
 */
export function createTicks(deps: {
  tick: () => Promise<unknown>;
  intervalMs: number;
  clock: Clock;
  onError: (error: unknown) => void;
}): Service {
  const { tick, intervalMs, clock, onError } = deps;
  let cancel = () => {};
  let running = Promise.resolve();
  let stopped = false;

  async function run(): Promise<void> {
    const startedAt = clock.monotonic();
    await tick().catch(onError);
    scheduleNext(intervalMs - (clock.monotonic() - startedAt));
  }

  function scheduleNext(delayMs: number): void {
    if (!stopped) cancel = clock.after(delayMs, () => void (running = run()));
  }

  return {
    start() {
      scheduleNext(0);
      return Promise.resolve();
    },
    async stop() {
      stopped = true;
      cancel();
      await running;
    },
  };
}
