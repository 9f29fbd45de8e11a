import { pino } from 'pino';
import { createPresence, type PresenceSettings, type PresenceStore } from '../../src/presence/index.ts';
import { createRemoteClock, type Clock } from '../../src/platform/index.ts';
import { createScheduler } from '../../src/scheduler/index.ts';
import type { ClaimedTimer } from '../../src/timers/index.ts';
import { delivered } from '../scheduler/scheduler-under-test.ts';
import { openEmptySqlite } from '../support/emptied-sqlite.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { schedulerSettings } from '../support/scheduler-settings.ts';

const logger = pino({ level: 'silent' });

/** Presence as it is by default, on the store and the clock given. */
export const presenceOn = (given: Given & Partial<PresenceSettings>) =>
  createPresence({
    url: 'http://127.0.0.1:1',
    timeoutMs: 5000,
    ttlMs: 30_000,
    intervalMs: 3000,
    maxConsumers: 100,
    leaseMs: 30_000,
    gone: null,
    storeClock: given.clock,
    logger,
    userAgent: 'punctual/1.2.3',
    ...given,
  });

interface Given {
  store: PresenceStore;
  clock: Clock;
}

/** Presence and a scheduler on one store (SQLite in memory) and one clock that is turned by hand. */
export async function presenceUnderTest(over: Partial<PresenceSettings> = {}) {
  const clock = createManualClock();
  const store = await openEmptySqlite({ clock });
  const storeClock = createRemoteClock({ clock });
  storeClock.observe(clock.now());
  const presence = presenceOn({ store, clock, ...over });
  const webhooks: ClaimedTimer[] = [];
  const scheduler = createScheduler({
    store,
    storeClock,
    clock,
    actions: [
      presence.action,
      {
        name: 'webhook',
        laneOf: ({ url }) => new URL(url).host,
        concurrency: 128,
        deadlineMs: () => 10_000,
        perform(timer) {
          webhooks.push(timer);
          return Promise.resolve(delivered);
        },
      },
    ],
    destinationsOf: 'webhook',
    random: () => 0.5,
    logger,
    settings: schedulerSettings,
  });
  return {
    ...presence,
    clock,
    store,
    scheduler,
    webhooks,
    async stop() {
      presence.close();
      await store.close();
    },
  };
}
