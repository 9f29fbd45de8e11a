import type { Clock } from '../platform/index.ts';
import { Problem } from './problem.ts';

interface Bucket {
  tokens: number;
  /** Monotonic ms at which it held them. */
  at: number;
}

/**
 * A token bucket per caller, on this replica alone: `perSecond` requests in the long run, and as many at once after a
 * quiet second. The returned function takes one token, or throws `Problem('rate_limited')` that says when to come back.
 */
export function createRateLimit({ perSecond, clock }: { perSecond: number; clock: Clock }) {
  const capacity = Math.max(1, perSecond);
  const fillMs = (capacity / perSecond) * 1000;
  const buckets = new Map<string, Bucket>();
  let sweptAt = clock.monotonic();

  const tokensOf = ({ tokens, at }: Bucket, now: number) =>
    Math.min(capacity, tokens + ((now - at) / 1000) * perSecond);

  /** A bucket untouched for as long as it takes to fill is as good as none: memory follows the callers of a moment. */
  const sweep = (now: number) => {
    for (const [caller, { at }] of buckets) if (now - at >= fillMs) buckets.delete(caller);
    sweptAt = now;
  };

  return (caller: string): void => {
    const now = clock.monotonic();
    if (now - sweptAt >= fillMs) sweep(now);
    const bucket = buckets.get(caller);
    const tokens = bucket ? tokensOf(bucket, now) : capacity;
    if (tokens < 1) {
      const seconds = Math.ceil((1 - tokens) / perSecond);
      throw new Problem('rate_limited', `More than ${perSecond} requests a second; try again in ${seconds} s.`, {
        headers: { 'Retry-After': String(seconds) },
      });
    }
    buckets.set(caller, { tokens: tokens - 1, at: now });
  };
}
