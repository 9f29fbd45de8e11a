import { randomUUID } from 'node:crypto';
import { createTicks, type Clock, type Logger, type Service } from '../platform/index.ts';
import { CHECK } from './check-timer.ts';
import type { PresenceStore } from './presence-store.ts';

/** Of the time to live: what passes until a death is noticed must leave an object time to be seen again. */
const BEATS_PER_TTL = 30;
const LONGEST_BEAT_MS = 1000;
const SHORTEST_BEAT_MS = 100;
/** Silent for so many beats, a replica is taken for dead. */
const BEATS_MISSED = 3;

export interface Checker extends Service {
  /** Tells that this replica lives, and puts back the checks of those that do not. Resolves to how many. */
  runOnce(): Promise<number>;
}

/**
 * Finds the checks of replicas that died. Their leases are made for calls that should not be made twice, and end when the
 * objects would have been forgotten. A look at an object may be taken twice: should the replica live after all, no harm is
 * done. To be stopped when this replica holds no more checks.
 */
export function createChecker(deps: {
  store: Pick<PresenceStore, 'keepChecker' | 'dropChecker' | 'reviveChecks'>;
  storeClock: { now(): number };
  clock: Clock;
  logger: Logger;
  ttlMs: number;
  /** Of the scheduler's claims. */
  leaseMs: number;
  /** Of a check. */
  deadlineMs: number;
}): Checker {
  const { store, storeClock, clock, logger, ttlMs, leaseMs, deadlineMs } = deps;
  const replica = randomUUID();
  const beatMs = Math.min(Math.max(ttlMs / BEATS_PER_TTL, SHORTEST_BEAT_MS), LONGEST_BEAT_MS);
  const warn = (error: unknown) => logger.warn({ err: error }, 'presence.checker_failed');

  async function runOnce(): Promise<number> {
    const now = Math.floor(storeClock.now());
    await store.keepChecker({ replica, aliveUntil: Math.ceil(now + BEATS_MISSED * beatMs) });
    const revived = await store.reviveChecks({ action: CHECK, leaseMs, deadlineMs, now });
    if (revived > 0) logger.warn({ checks: revived }, 'presence.checks_revived');
    return revived;
  }

  const ticks = createTicks({ tick: runOnce, intervalMs: beatMs, clock, onError: warn });
  return {
    runOnce,
    start: () => ticks.start(),
    async stop() {
      await ticks.stop();
      await store.dropChecker(replica).catch(warn);
    },
  };
}
