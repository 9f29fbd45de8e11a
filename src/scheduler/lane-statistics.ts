import { latenessBucket, type LatenessCounts, type Verdict } from '../timers/index.ts';

/** Weight of the newest duration in the running mean. */
const NEWEST = 0.1;
const WINDOW_MS = 60_000;
const SPAN_MS = 5000;

interface Counts {
  attempts: number;
  delivered: number;
  lateness: Map<number, number>;
}

export interface LaneStatistics {
  add(verdict: Verdict, durationMs: number, now: number): void;
  addLateness(latenessMs: number, now: number): void;
  readonly meanDurationMs: number;
  lastMinute(now: number): { attempts: number; delivered: number };
  latenessOfLastMinute(now: number): LatenessCounts;
}

/** Of one lane; bounded whatever the traffic. Instants are of the monotonic clock. */
export function createLaneStatistics(): LaneStatistics {
  /** Kept as a sum, since hundreds of lanes are asked at a time, and timers wait meanwhile. */
  const minute = noCounts();
  const spans: (Counts & { startedAt: number })[] = [];
  let meanDurationMs = 0;

  function spanAt(now: number): Counts {
    const last = spans.at(-1);
    if (last !== undefined && now - last.startedAt < SPAN_MS) return last;
    forgetSpans(now);
    const begun = { startedAt: now, ...noCounts() };
    spans.push(begun);
    return begun;
  }

  function forgetSpans(now: number): void {
    for (let [first] = spans; first !== undefined && now - first.startedAt >= WINDOW_MS; [first] = spans) {
      spans.shift();
      minute.attempts -= first.attempts;
      minute.delivered -= first.delivered;
      for (const [bucket, seen] of first.lateness) count(minute.lateness, bucket, -seen);
    }
  }

  return {
    add(verdict, durationMs, now) {
      meanDurationMs = meanDurationMs === 0 ? durationMs : meanDurationMs * (1 - NEWEST) + durationMs * NEWEST;
      for (const counts of [spanAt(now), minute]) {
        counts.attempts += 1;
        if (verdict === 'delivered') counts.delivered += 1;
      }
    },
    addLateness(latenessMs, now) {
      const bucket = latenessBucket(latenessMs);
      for (const { lateness } of [spanAt(now), minute]) count(lateness, bucket, 1);
    },
    get meanDurationMs() {
      return meanDurationMs;
    },
    lastMinute(now) {
      forgetSpans(now);
      return { attempts: minute.attempts, delivered: minute.delivered };
    },
    latenessOfLastMinute(now) {
      forgetSpans(now);
      return [...minute.lateness];
    },
  };
}

const noCounts = (): Counts => ({ attempts: 0, delivered: 0, lateness: new Map() });

function count(counts: Map<number, number>, bucket: number, more: number): void {
  const seen = (counts.get(bucket) ?? 0) + more;
  if (seen === 0) counts.delete(bucket);
  else counts.set(bucket, seen);
}
