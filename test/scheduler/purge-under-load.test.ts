import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../src/platform/index.ts';
import { createJanitor } from '../../src/scheduler/index.ts';
import { startTwoReplicas, type TwoReplicas } from '../api/two-replicas.ts';
import { everyTimer } from '../store/contract-changes.ts';
import { makeTimers } from '../support/timers.ts';

const FULL = process.env.TEST_FULL === '1';
const FINISHED = FULL ? 1_000_000 : 2000;
const INSERTED_AT_ONCE = Math.min(FINISHED, 5000);
/** Due a second, over both replicas. */
const RATE = FULL ? 500 : 100;
const SECONDS_WITHOUT = FULL ? 30 : 1;
/** Made so long before they are due that a claim finds them. */
const AHEAD_MS = 2500;
/** How much later the 99th of a hundred may be sent because of the purge. */
const ALLOWED_MS = 5;
const DAY_MS = 86_400_000;

/** Fires at the rate for whole seconds, at least one, until it is enough; resolves with the lateness of each, sorted. */
async function fire(two: TwoReplicas, isEnough: (seconds: number) => boolean): Promise<number[]> {
  const [{ store, storeClock }] = two.replicas;
  const due = new Map<string, number>();
  for (let seconds = 0; seconds === 0 || !isEnough(seconds); seconds++) {
    const begin = Math.ceil(storeClock.now()) + AHEAD_MS;
    const timers = makeTimers(RATE, (index) => ({
      dueAt: begin + Math.floor((index * 1000) / RATE),
      createdAt: begin,
    }));
    await store.insert(timers);
    for (const { id, dueAt } of timers) due.set(id, dueAt);
    await delay(begin + 1000 - AHEAD_MS - storeClock.now());
  }
  await delay(AHEAD_MS + 1000);
  await two.settled();
  const lateness = [...due].flatMap(([id, dueAt]) => (two.sends.get(id) ?? []).map((sentAt) => sentAt - dueAt));
  expect(lateness).toHaveLength(due.size);
  return lateness.sort((a, b) => a - b);
}

const p99 = (sorted: number[]): number => sorted[Math.floor((sorted.length - 1) * 0.99)] ?? NaN;

const engines = FULL ? (['mysql'] as const) : (['mysql', 'SQLite'] as const);

describe.each(engines)('On %s,', (engine) => {
  it.concurrent(
    `the purge of ${FINISHED} finished timers leaves those alone that fire meanwhile, and does not hold them up`,
    async () => {
      await using started = new AsyncDisposableStack();
      const two = started.use(await startTwoReplicas(engine, { pollIntervalMs: 500, lookaheadMs: 1000 }));
      const [first] = two.replicas;
      const finishedAt = Math.floor(first.storeClock.now()) - 8 * DAY_MS;
      for (let made = 0; made < FINISHED; made += INSERTED_AT_ONCE) {
        await first.store.insert(
          makeTimers(INSERTED_AT_ONCE, (index) => ({ status: 'done', wakeAt: finishedAt + made + index })),
        );
      }
      const before = await fire(two, (seconds) => seconds >= SECONDS_WITHOUT);

      const janitors = two.replicas.map(({ store, storeClock }) =>
        createJanitor({
          store,
          storeClock,
          clock: systemClock,
          random: Math.random,
          logger: pino({ level: 'silent' }),
          retentionMs: 7 * DAY_MS,
        }),
      );
      started.defer(async () => {
        await Promise.all(janitors.map((janitor) => janitor.stop()));
      });
      await Promise.all(janitors.map((janitor) => janitor.start()));
      let isLeft = true;
      const during = fire(two, () => !isLeft);
      const old = { ...everyTimer, status: 'done', wakeTo: finishedAt + FINISHED } as const;
      while (isLeft) {
        isLeft = (await first.store.list(old, { after: null, limit: 1 })).timers.length > 0;
        await delay(250);
      }
      const withPurge = await during;
      const after = await fire(two, (seconds) => seconds >= SECONDS_WITHOUT);
      // Before and after, lest the other work of the machine be taken for that of the purge.
      const without = [...before, ...after].sort((a, b) => a - b);

      if (FULL)
        process.stderr.write(`p99 without ${p99(without)} ms, with ${p99(withPurge)} ms, ${withPurge.length} fired\n`);
      if (FULL) expect(p99(withPurge) - p99(without)).toBeLessThan(ALLOWED_MS);
      const fresh = { ...everyTimer, status: 'done', wakeFrom: finishedAt + FINISHED } as const;
      expect((await first.store.list(fresh, { after: null, limit: 500 })).timers.length).toBeGreaterThanOrEqual(
        Math.min(without.length + withPurge.length, 500),
      );
    },
    900_000,
  );
});
