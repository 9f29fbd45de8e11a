/**
 * How often which lateness was seen: pairs of a bucket and a count. Unlike percentiles, those of several replicas make those
 * of all of them, one list after the other.
 * Up to 15 ms every millisecond has a bucket, beyond that every doubling has eight: what is told is 12.5 % off at the most.
 */
export type LatenessCounts = [bucket: number, count: number][];

const EXACT_BITS = 4;
const EXACT = 2 ** EXACT_BITS;
const STEP_BITS = 3;
const STEPS = 2 ** STEP_BITS;
/** Some 24 days; `>>` and `clz32` are of 32 bits. */
const LONGEST_MS = 2 ** 31 - 1;

export function latenessBucket(latenessMs: number): number {
  const ms = Math.min(Math.max(Math.floor(latenessMs), 0), LONGEST_MS);
  if (ms < EXACT) return ms;
  const doubling = 31 - Math.clz32(ms);
  const step = (ms >> (doubling - STEP_BITS)) - STEPS;
  return EXACT + (doubling - EXACT_BITS) * STEPS + step;
}

/** The most that a lateness in this bucket can be, milliseconds: what is told is never better than it was. */
function mostOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const doubling = EXACT_BITS + Math.floor((bucket - EXACT) / STEPS);
  const step = (bucket - EXACT) % STEPS;
  return (STEPS + step + 1) * 2 ** (doubling - STEP_BITS) - 1;
}

/** What this share of all was at the most, by nearest rank, milliseconds; null where nothing was counted. */
export function latenessQuantile(counts: LatenessCounts, share: number): number | null {
  const sorted = counts.toSorted(([a], [b]) => a - b);
  const rank = sorted.reduce((sum, [, count]) => sum + count, 0) * share;
  let counted = 0;
  const reached = sorted.find(([, count]) => (counted += count) >= rank);
  return reached === undefined ? null : mostOf(reached[0]);
}
