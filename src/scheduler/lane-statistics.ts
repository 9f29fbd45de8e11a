import type { Verdict } from './lane-limit.ts';

/** Weight of the newest duration in the running mean. */
const NEWEST = 0.1;
const WINDOW_MS = 60_000;
const BUCKET_MS = 5000;
/** Latenesses kept per bucket, the latest; enough for percentiles that people look at. */
const SAMPLES = 200;

interface Bucket {
  startedAt: number;
  attempts: number;
  delivered: number;
  lateness: number[];
}

export interface LaneStatistics {
  add(verdict: Verdict, durationMs: number, now: number): void;
  addLateness(latenessMs: number, now: number): void;
  readonly meanDurationMs: number;
  /** What the last minute was like. `successRate` is null without attempts, the percentiles without first tries. */
  lastMinute(now: number): { attempts: number; successRate: number | null; p50: number | null; p99: number | null };
}

/** Of one lane; bounded whatever the traffic. Instants are of the monotonic clock. */
export function createLaneStatistics(): LaneStatistics {
  let buckets: Bucket[] = [];
  let meanDurationMs = 0;

  function bucketAt(now: number): Bucket {
    const last = buckets.at(-1);
    if (last !== undefined && now - last.startedAt < BUCKET_MS) return last;
    buckets = [...buckets.filter(({ startedAt }) => now - startedAt < WINDOW_MS), emptyBucket(now)];
    return buckets.at(-1) as Bucket;
  }

  return {
    add(verdict, durationMs, now) {
      meanDurationMs = meanDurationMs === 0 ? durationMs : meanDurationMs * (1 - NEWEST) + durationMs * NEWEST;
      const bucket = bucketAt(now);
      bucket.attempts += 1;
      if (verdict === 'delivered') bucket.delivered += 1;
    },
    addLateness(latenessMs, now) {
      const { lateness } = bucketAt(now);
      if (lateness.length < SAMPLES) lateness.push(latenessMs);
      else lateness[Math.floor(now) % SAMPLES] = latenessMs;
    },
    get meanDurationMs() {
      return meanDurationMs;
    },
    lastMinute(now) {
      const recent = buckets.filter(({ startedAt }) => now - startedAt < WINDOW_MS);
      const attempts = recent.reduce((sum, bucket) => sum + bucket.attempts, 0);
      const delivered = recent.reduce((sum, bucket) => sum + bucket.delivered, 0);
      const lateness = recent.flatMap((bucket) => bucket.lateness).sort((a, b) => a - b);
      const quantile = (share: number) => lateness[Math.floor((lateness.length - 1) * share)] ?? null;
      return {
        attempts,
        successRate: attempts === 0 ? null : delivered / attempts,
        p50: quantile(0.5),
        p99: quantile(0.99),
      };
    },
  };
}

const emptyBucket = (startedAt: number): Bucket => ({ startedAt, attempts: 0, delivered: 0, lateness: [] });
