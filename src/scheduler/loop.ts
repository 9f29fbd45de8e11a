import { createPause, type Clock } from '../platform/index.ts';

const LONGEST_WAIT_MS = 2000;

/** Runs a pass again and again. It trusts no wake-up: one only makes the next pass come sooner. */
export interface Loop {
  start(): void;
  /** Resolves when the pass under way has ended; no other follows. */
  stop(): Promise<void>;
  wakeUp(): void;
}

/** `pass` resolves to true when the next one is to follow at once. What it throws ends the pass, never the loop. */
export function createLoop(deps: {
  pass: () => Promise<boolean>;
  intervalMs: number;
  clock: Clock;
  random: () => number;
  /** What a pass threw, and how many in a row have thrown by now. */
  onError: (error: unknown, failures: number) => void;
}): Loop {
  const { pass, intervalMs, clock, random, onError } = deps;
  let running: Promise<void> | undefined;
  let stopped = false;
  let failures = 0;
  const pause = createPause(clock);
  let awake = false;

  async function run(): Promise<void> {
    while (!stopped) {
      const waitMs = await passOnce();
      if (waitMs > 0 && !awake) await pause.for(waitMs);
    }
  }

  async function passOnce(): Promise<number> {
    awake = false;
    try {
      const again = await pass();
      failures = 0;
      // Jitter keeps replicas that started together from asking together.
      return again ? 0 : intervalMs * (0.8 + 0.4 * random());
    } catch (error) {
      failures += 1;
      onError(error, failures);
      return Math.min(100 * 2 ** failures, LONGEST_WAIT_MS) * (0.5 + random() / 2);
    }
  }

  function wakeUp(): void {
    awake = true;
    pause.end();
  }

  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopped = true;
      wakeUp();
      await running;
    },
    wakeUp,
  };
}
