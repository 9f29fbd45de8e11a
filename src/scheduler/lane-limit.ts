import type { Verdict } from '../timers/index.ts';

/** `open`: as many as the lane may. `slow`: cut back. `failing`: nothing but a probe now and then. */
export type LaneState = 'open' | 'slow' | 'failing';

/** Attempts at once to a host that nothing is known of. */
const FIRST_LIMIT = 32;
/** A limit below this is nobody's: the host gets probes only. */
const LEAST_LIMIT = 1;
const FIRST_PROBE_MS = 250;
const LONGEST_PROBE_MS = 1000;
/** How long a success speaks for a host. */
const PROVEN_MS = 300_000;
/** So many attempts in a row without an answer, and the success before them speaks no longer. */
const FAILURES_THAT_COUNT = 3;

/**
 * How many attempts a lane may have in flight: one more with every success, half with every round of attempts that found
 * nobody, down to a probe now and then, which makes it the circuit breaker as well. Instants are of the monotonic clock.
 */
export interface LaneLimit {
  allows(inFlight: number, now: number): boolean;
  ended(verdict: Verdict, attempt: { startedAt: number; endedAt: number }): void;
  /** Where the lane is `failing`: when its next probe may start. */
  readonly probeAt: number;
  readonly value: number;
  readonly state: LaneState;
  /** Whether the host has lately been seen to work. */
  isProven(now: number): boolean;
  /** Whether it has lately been seen not to. */
  isSuspect(): boolean;
  /** For how long nobody has answered there; 0 where the last attempt found somebody. Milliseconds. */
  silentForMs(now: number): number;
}

export function createLaneLimit({ cap }: { cap: number }): LaneLimit {
  const first = Math.min(cap, FIRST_LIMIT);
  let limit = first;
  let cutAt = -Infinity;
  let provenAt = -Infinity;
  let failures = 0;
  let silentSince = Infinity;
  let probeAt = -Infinity;
  let probeAfterMs = FIRST_PROBE_MS;

  function answered(now: number): void {
    provenAt = now;
    failures = 0;
    silentSince = Infinity;
  }

  function grow(now: number): void {
    answered(now);
    probeAfterMs = FIRST_PROBE_MS;
    limit = Math.min(cap, Math.max(limit, LEAST_LIMIT) + 1);
  }

  /** Attempts that began before the last cut tell nothing new: they went out under the limit that was cut. */
  function cut(startedAt: number, now: number, least: number): void {
    if (startedAt < cutAt) return;
    cutAt = now;
    limit = Math.max(limit / 2, least);
  }

  function fail(startedAt: number, now: number): void {
    failures += 1;
    silentSince = Math.min(silentSince, now);
    cut(startedAt, now, 0);
    if (limit >= LEAST_LIMIT) return;
    limit = 0;
    probeAt = now + probeAfterMs;
    probeAfterMs = Math.min(probeAfterMs * 2, LONGEST_PROBE_MS);
  }

  return {
    allows: (inFlight, now) => (limit >= LEAST_LIMIT ? inFlight < Math.floor(limit) : inFlight === 0 && now >= probeAt),
    ended(verdict, { startedAt, endedAt }) {
      if (verdict === 'delivered') grow(endedAt);
      if (verdict === 'unreachable') fail(startedAt, endedAt);
      if (verdict === 'answered' || verdict === 'overloaded') {
        // Whoever answers is there, whatever the answer.
        answered(endedAt);
        if (limit < LEAST_LIMIT) limit = LEAST_LIMIT;
        if (verdict === 'overloaded') cut(startedAt, endedAt, LEAST_LIMIT);
      }
    },
    get probeAt() {
      return limit < LEAST_LIMIT ? probeAt : -Infinity;
    },
    get value() {
      return Math.floor(limit);
    },
    get state() {
      return limit < LEAST_LIMIT ? 'failing' : limit < first ? 'slow' : 'open';
    },
    isProven: (now) => failures < FAILURES_THAT_COUNT && now - provenAt < PROVEN_MS,
    isSuspect: () => failures > 0,
    silentForMs: (now) => Math.max(now - silentSince, 0),
  };
}
