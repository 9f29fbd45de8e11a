import type { PresenceSettings } from './presence/index.ts';

/** The variables that say whether and how objects are kept, as read, and those that have to fit them. */
export interface PresenceVariables {
  OBJECTS_URL?: string | undefined;
  OBJECTS_TIMEOUT_MS: number;
  OBJECT_TTL_SECONDS: number;
  OBJECT_GONE_URL?: string | undefined;
  ROUTINE_INTERVAL: number;
  MAX_CONSUMERS: number;
  MAX_ATTEMPTS: number;
  LEASE_MS: number;
  LOOKAHEAD_MS: number;
}

/** Besides its time-out, a check takes the time to keep the sighting; and the lease the time to record the outcome. */
const CHECK_RESERVE_MS = 10_000;

/** What does not go together, each with the remedy. */
export function presenceProblems(variables: PresenceVariables): string[] {
  const { OBJECTS_URL, OBJECTS_TIMEOUT_MS, OBJECT_GONE_URL, LEASE_MS, LOOKAHEAD_MS } = variables;
  if (OBJECTS_URL === undefined) {
    return OBJECT_GONE_URL === undefined
      ? []
      : ['OBJECT_GONE_URL: without OBJECTS_URL there are no objects that could be gone. Set that too, or neither.'];
  }
  const leastLease = LOOKAHEAD_MS + OBJECTS_TIMEOUT_MS + CHECK_RESERVE_MS;
  if (LEASE_MS >= leastLease) return [];
  return [
    `OBJECTS_TIMEOUT_MS: ${OBJECTS_TIMEOUT_MS} is too long for the lease; another replica could take a check over while it runs. Lower it, or set LEASE_MS to at least ${leastLease} (LOOKAHEAD_MS + OBJECTS_TIMEOUT_MS + ${CHECK_RESERVE_MS}).`,
  ];
}

/** Undefined where objects are not kept. */
export function toPresenceSettings(variables: PresenceVariables): PresenceSettings | undefined {
  const { OBJECTS_URL, OBJECT_GONE_URL, MAX_ATTEMPTS } = variables;
  if (OBJECTS_URL === undefined) return undefined;
  return {
    url: OBJECTS_URL,
    timeoutMs: variables.OBJECTS_TIMEOUT_MS,
    ttlMs: variables.OBJECT_TTL_SECONDS * 1000,
    intervalMs: variables.ROUTINE_INTERVAL * 1000,
    maxConsumers: variables.MAX_CONSUMERS,
    leaseMs: variables.LEASE_MS,
    gone: OBJECT_GONE_URL === undefined ? null : { url: OBJECT_GONE_URL, maxAttempts: MAX_ATTEMPTS },
  };
}
