import type { Clock } from '../../src/platform/index.ts';
import { T0 } from './timers.ts';

export interface ManualClock extends Clock {
  /** Lets time pass; what falls due meanwhile is called at its own instant, in order. */
  advance(ms: number): void;
  /** Sets the wall clock alone, as an administrator would. */
  stepWall(ms: number): void;
  /** Calls that are armed. */
  readonly armed: number;
}

/** A clock that stands still at `T0` until told. */
export function createManualClock(startAt = T0): ManualClock {
  let monotonic = 0;
  let wallOffset = startAt;
  const calls = new Set<{ at: number; callback: () => void }>();

  const next = (until: number) =>
    [...calls]
      .filter(({ at }) => at <= until)
      .reduce<{ at: number; callback: () => void } | undefined>(
        (first, call) => (first === undefined || call.at < first.at ? call : first),
        undefined,
      );

  return {
    now: () => wallOffset + monotonic,
    monotonic: () => monotonic,
    after(delayMs, callback) {
      const call = { at: monotonic + Math.max(delayMs, 0), callback };
      calls.add(call);
      return () => calls.delete(call);
    },
    advance(ms) {
      const until = monotonic + ms;
      for (let call = next(until); call !== undefined; call = next(until)) {
        monotonic = Math.max(monotonic, call.at);
        calls.delete(call);
        call.callback();
      }
      monotonic = until;
    },
    stepWall: (ms) => (wallOffset += ms),
    get armed() {
      return calls.size;
    },
  };
}
