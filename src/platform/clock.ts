/** Time as every module sees it. Injected everywhere, so that tests can turn it by hand. */
export interface Clock {
  /** Wall clock in epoch milliseconds, with fractions where the system has them. It may step in both directions. */
  now(): number;
  /** Milliseconds with fractions from an arbitrary origin. Never steps, and goes on while the process is stopped by a signal. */
  monotonic(): number;
  /** Calls back once, `delayMs` from now or a fraction of a millisecond sooner (look at the clock again); returns how to cancel. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Longest delay setTimeout takes; it would fire at once beyond it. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    // setTimeout makes a whole millisecond of it; so the loop goes round, without a rest, for the fraction that is left.
    if (delayMs < 1) {
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    }
    const timeout = setTimeout(callback, Math.min(delayMs, LONGEST_TIMEOUT_MS));
    return () => clearTimeout(timeout);
  },
};
