import { randomUUID } from 'node:crypto';
import { createTicks, type Clock, type Logger, type Service } from '../platform/index.ts';
import { goneWebhookOf } from './gone-webhook.ts';
import type { PresenceStore } from './presence-store.ts';

const LEASE_NAME = 'presence';
/** Longer than the store takes for one batch; it is given back after every pass, and only a crash in one lets it run out. */
const LEASE_MS = 5000;
const BATCH = 500;

export interface Routine extends Service {
  /** Forgets all that has not been seen for long enough. Resolves to how many; to 0 too when another replica does it. */
  runOnce(): Promise<number>;
}

/** Forgets objects that are not seen any more: every replica looks every so often, and one at a time forgets. */
export function createRoutine(deps: {
  store: Pick<PresenceStore, 'forgetObjects' | 'holdLease'>;
  storeClock: { now(): number };
  clock: Clock;
  logger: Logger;
  ttlMs: number;
  intervalMs: number;
  /** What is told of each forgotten object, and how often it is tried; null for nobody. */
  gone: { url: string; maxAttempts: number } | null;
}): Routine {
  const { store, storeClock, clock, logger, ttlMs, intervalMs, gone } = deps;
  const holder = randomUUID();
  let stopped = false;

  const now = () => Math.floor(storeClock.now());
  const hold = (forMs: number) => store.holdLease({ name: LEASE_NAME, holder, now: now(), until: now() + forMs });

  async function runOnce(): Promise<number> {
    let forgotten = 0;
    for (let count = BATCH; count === BATCH && !stopped; forgotten += count) {
      if (!(await hold(LEASE_MS))) return forgotten;
      count = await forget();
    }
    await hold(0);
    if (forgotten > 0) logger.debug({ objects: forgotten }, 'presence.forgot');
    return forgotten;
  }

  const forget = (): Promise<number> =>
    store.forgetObjects({
      seenUntil: now() - ttlMs,
      limit: BATCH,
      farewellOf: (forgotten) =>
        gone === null ? [] : forgotten.map((object) => goneWebhookOf(object, { ...gone, now: now() })),
    });

  const ticks = createTicks({
    tick: runOnce,
    intervalMs,
    clock,
    onError: (error) => logger.warn({ err: error }, 'presence.routine_failed'),
  });

  return {
    runOnce,
    start: () => ticks.start(),
    stop() {
      stopped = true;
      return ticks.stop();
    },
  };
}
