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
 * How many attempts a lane may have in flight: one more with every success, one fewer with every attempt that found nobody,
 * but no less than half of it in one round, down to a probe now and then, which makes it the circuit breaker as well. A host
 * that answers with errors gets as many as one that nothing is known of: it is there. Instants are of the monotonic clock.
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
  let roundAt = -Infinity;
  let leastOfRound = 0;
  let provenAt = -Infinity;
  let failures = 0;
  let silentSince = Infinity;
  let probeAt = -Infinity;
  let probeAfterMs = FIRST_PROBE_MS;

  function answered(now: number): void {
    provenAt = now;
    failures = 0;
    silentSince = Infinity;
    probeAfterMs = FIRST_PROBE_MS;
  }

  function grow(most: number): void {
    limit = Math.max(limit, Math.min(most, Math.max(limit, LEAST_LIMIT) + 1));
  }

  /** Attempts that began before the round belong to the one before: they went out under the limit that was cut since. */
  function cut(by: number, startedAt: number, now: number): void {
    if (startedAt >= roundAt) {
      roundAt = now;
      leastOfRound = limit / 2;
    }
    limit = Math.min(limit, Math.max(limit - by, leastOfRound));
  }

  function fail(startedAt: number, now: number): void {
    failures += 1;
    silentSince = Math.min(silentSince, now);
    cut(1, startedAt, now);
    if (limit >= LEAST_LIMIT) return;
    limit = 0;
    probeAt = now + probeAfterMs;
    probeAfterMs = Math.min(probeAfterMs * 2, LONGEST_PROBE_MS);
  }

  return {
    allows: (inFlight, now) => (limit >= LEAST_LIMIT ? inFlight < Math.floor(limit) : inFlight === 0 && now >= probeAt),
    ended(verdict, { startedAt, endedAt }) {
      if (verdict === 'unreachable') fail(startedAt, endedAt);
      else if (verdict !== 'inconclusive') answered(endedAt);
      if (verdict === 'delivered') grow(cap);
      if (verdict === 'answered') grow(first);
      if (verdict === 'overloaded') {
        cut(Infinity, startedAt, endedAt);
        limit = Math.max(limit, LEAST_LIMIT);
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
