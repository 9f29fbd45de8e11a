import { pino } from 'pino';
import request from 'supertest';
import { createRemoteClock } from '../../src/platform/index.ts';
import { createScheduler } from '../../src/scheduler/index.ts';
import type { ClaimedTimer, Outcome, Timer, TimerStore } from '../../src/timers/index.ts';
import type { ApiDeps } from '../../src/api/index.ts';
import { delivered } from '../scheduler/scheduler-under-test.ts';
import { openEmptySqlite } from '../support/emptied-sqlite.ts';
import { eventually } from '../support/eventually.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { schedulerSettings } from '../support/scheduler-settings.ts';
import { makeTimer } from '../support/timers.ts';
import { apiUnderTest } from './api-under-test.ts';

/** API and scheduler on one store (SQLite in memory) and one clock that is turned by hand, with an action that remembers. */
export async function serviceUnderTest(
  over: Partial<ApiDeps> & { store?: TimerStore; reply?: (timer: ClaimedTimer) => Outcome } = {},
) {
  const { reply = () => delivered, ...apiOver } = over;
  const clock = createManualClock();
  const store = over.store ?? (await openEmptySqlite({ clock }));
  const storeClock = createRemoteClock({ clock });
  storeClock.observe(clock.now());
  const calls: { id: string; at: number; run: number; fence: number }[] = [];
  const scheduler = createScheduler({
    store,
    storeClock,
    clock,
    actions: [
      {
        name: 'webhook',
        laneOf: ({ url }) => new URL(url).host,
        concurrency: 128,
        deadlineMs: () => 10_000,
        perform(timer) {
          calls.push({ id: timer.id, at: clock.now(), run: timer.run, fence: timer.fence });
          return Promise.resolve(reply(timer));
        },
      },
    ],
    destinationsOf: 'webhook',
    random: () => 0.5,
    logger: pino({ level: 'silent' }),
    settings: schedulerSettings,
  });
  await scheduler.runOnce();
  const api = apiUnderTest({ clock, storeClock, shortTimers: scheduler, ...apiOver, store });

  return {
    ...api,
    clock,
    store,
    scheduler,
    calls,
    get: (path: string) => request(api.app).get(path),
    post: (path: string, body?: object) => request(api.app).post(path).send(body),
    patch: (path: string, body: object) => request(api.app).patch(path).send(body),
    delete: (path: string) => request(api.app).delete(path),
    async stored(change: Partial<Timer> = {}): Promise<Timer> {
      const timer = makeTimer({ dueAt: clock.now() + 60_000, createdAt: clock.now(), delayMs: 60_000, ...change });
      await store.insert([timer]);
      return timer;
    },
    async find(id: string): Promise<Timer> {
      const timer = await store.find(id);
      if (timer === undefined) throw new Error('the timer is gone');
      return timer;
    },
    /** Until everything that this replica holds is recorded. */
    settled: () => eventually(() => scheduler.load().held === 0),
    close: () => store.close(),
  };
}
