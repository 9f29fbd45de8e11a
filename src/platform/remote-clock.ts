import type { Clock } from './clock.ts';

/** Readings kept; at two a second the estimate rests on the best of the last ten seconds. */
const READINGS_KEPT = 20;
/** A difference beyond this is a step of the remote clock, not noise. */
export const CLOCK_STEP_MS = 2000;

/**
 * What another machine's clock shows now, as a lower bound: the reading was taken at the latest when its answer arrived,
 * so the remote clock can only be ahead of `reading + time since the answer`. What waits for an instant of this clock is
 * therefore never early. The best (largest) of several bounds is within the fastest answer's return time of the truth.
 */
export interface RemoteClock {
  /** Epoch milliseconds with fractions. Throws before the first reading. */
  now(): number;
  /** Tells a reading (epoch ms) whose answer has just arrived. Returns true when the remote clock was seen to have stepped. */
  observe(reading: number): boolean;
  /** How long ago the last answer came, milliseconds; Infinity before the first. */
  silentForMs(): number;
}

export function createRemoteClock({ clock }: { clock: Clock }): RemoteClock {
  let offsets: number[] = [];
  let best: number | undefined;
  let lastAnswer = -Infinity;

  return {
    now() {
      if (best === undefined) throw new Error('The remote clock has not been read yet.');
      return clock.monotonic() + best;
    },
    observe(reading) {
      lastAnswer = clock.monotonic();
      const offset = reading - lastAnswer;
      const stepped = best !== undefined && Math.abs(offset - best) > CLOCK_STEP_MS;
      offsets = stepped ? [offset] : [...offsets.slice(1 - READINGS_KEPT), offset];
      best = Math.max(...offsets);
      return stepped;
    },
    silentForMs: () => clock.monotonic() - lastAnswer,
  };
}
