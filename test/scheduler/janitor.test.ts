import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino, type Logger } from 'pino';
import { createJanitor } from '../../src/scheduler/index.ts';
import { Refusal, type TimerStore } from '../../src/timers/index.ts';
import { openEmptySqlite } from '../support/emptied-sqlite.ts';
import { eventually } from '../support/eventually.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { makeTimer, makeTimers, T0 } from '../support/timers.ts';

const DAY_MS = 86_400_000;

let clock: ManualClock;
let store: TimerStore;
beforeEach(async () => {
  clock = createManualClock();
  store = await openEmptySqlite({ clock });
});
afterEach(() => store.close());

const janitorOf = (over: { store?: Partial<TimerStore>; retentionMs?: number; logger?: Logger } = {}) =>
  createJanitor({
    store: { ...store, ...over.store },
    storeClock: clock,
    clock,
    random: () => 0.5,
    logger: over.logger ?? pino({ level: 'silent' }),
    retentionMs: over.retentionMs ?? 7 * DAY_MS,
  });

const left = async () => {
  const statuses = ['waiting', 'executing', 'done', 'failed', 'cancelled', 'unknown'] as const;
  const query = { owner: undefined, action: 'webhook', label: undefined, origins: undefined };
  const pages = statuses.map((status) =>
    store.list({ ...query, status, wakeFrom: undefined, wakeTo: undefined }, { after: null, limit: 500 }),
  );
  return (await Promise.all(pages)).flatMap(({ timers }) => timers).map(({ status, wakeAt }) => [status, wakeAt - T0]);
};

describe('The janitor', () => {
  it('says in its own name that the store refused it, and goes on', async () => {
    const events: unknown[] = [];
    const logger = pino({}, { write: (line) => void events.push((JSON.parse(line) as { msg: string }).msg) });
    let tries = 0;
    const holdLease = () => {
      tries += 1;
      return Promise.reject(new Refusal('store_unavailable', 'It is away.'));
    };
    const janitor = janitorOf({ store: { holdLease }, logger });
    await janitor.start();
    await eventually(() => events.length === 1);
    expect(events).toEqual(['janitor.failed']);

    clock.advance(5000);
    await eventually(() => tries === 2);
    await janitor.stop();
  });

  it('forgets what finished before the retention of today, whatever it came to, and nothing that still waits', async () => {
    const statuses = ['waiting', 'executing', 'done', 'failed', 'cancelled', 'unknown'] as const;
    await store.insert(statuses.map((status) => makeTimer({ status, wakeAt: T0 - 7 * DAY_MS - 1 })));
    await store.insert([makeTimer({ status: 'done', wakeAt: T0 - 7 * DAY_MS })]);

    expect(await janitorOf().runOnce()).toBe(false);

    expect(await left()).toEqual([
      ['waiting', -7 * DAY_MS - 1],
      ['executing', -7 * DAY_MS - 1],
      ['done', -7 * DAY_MS],
    ]);
  });

  it('goes batch by batch, on from where it was', async () => {
    await store.insert(makeTimers(1200, (index) => ({ status: 'done', wakeAt: T0 - 8 * DAY_MS + index })));
    const froms: number[] = [];
    const janitor = janitorOf({
      store: {
        purgeTimers: (status, stretch) => {
          if (status === 'done') froms.push(stretch.from);
          return store.purgeTimers(status, stretch);
        },
      },
    });

    expect(await janitor.runOnce()).toBe(true);
    expect(await janitor.runOnce()).toBe(true);
    expect(await janitor.runOnce()).toBe(false);
    clock.advance(1000);
    await janitor.runOnce();

    expect(await left()).toEqual([]);
    const begin = T0 - 8 * DAY_MS;
    expect(froms).toEqual([0, begin + 499, begin + 999, T0 - 7 * DAY_MS - 60_000]);
  });

  it('looks from the very beginning once an hour, for what was recorded late', async () => {
    const janitor = janitorOf();
    await janitor.runOnce();
    await store.insert([makeTimer({ status: 'done', wakeAt: T0 - 9 * DAY_MS })]);

    clock.advance(60_000);
    await janitor.runOnce();
    expect(await left()).toHaveLength(1);
    clock.advance(3_600_000);
    await janitor.runOnce();

    expect(await left()).toEqual([]);
  });

  it('is at work on one replica at a time, and another takes over when that one is gone', async () => {
    const [first, second] = [janitorOf({ retentionMs: 0 }), janitorOf({ retentionMs: 0 })];
    const finishNow = () => store.insert([makeTimer({ status: 'done', wakeAt: clock.now() - 1 })]);
    await first.runOnce();

    await finishNow();
    await second.runOnce();
    expect(await left()).toHaveLength(1);
    clock.advance(59_000);
    await first.runOnce();
    expect(await left()).toEqual([]);

    await finishNow();
    clock.advance(59_999);
    await second.runOnce();
    expect(await left()).toHaveLength(1);
    clock.advance(1);
    await second.runOnce();
    expect(await left()).toEqual([]);
  });

  it('rests four times as long as it worked, and stops in the middle of its rest', async () => {
    await store.insert(makeTimers(2000, () => ({ status: 'done', wakeAt: T0 - 8 * DAY_MS })));
    let purges = 0;
    const janitor = janitorOf({
      store: {
        purgeTimers: async (status, stretch) => {
          const purged = await store.purgeTimers(status, stretch);
          if (status === 'done') purges += 1;
          clock.advance(5);
          return purged;
        },
      },
    });

    await janitor.start();
    await eventually(() => clock.armed === 1);
    expect(purges).toBe(1);
    clock.advance(79);
    expect(clock.armed).toBe(1);
    clock.advance(1);
    await eventually(() => purges === 2 && clock.armed === 1);

    await janitor.stop();
    expect(clock.armed).toBe(0);
    expect(purges).toBe(2);
  });

  it('goes on when the store was away', async () => {
    let fails = true;
    await store.insert([makeTimer({ status: 'done', wakeAt: T0 - 8 * DAY_MS })]);
    const janitor = janitorOf({
      store: {
        purgeTimers: (status, stretch) =>
          fails
            ? Promise.reject(new Refusal('store_unavailable', 'The database is not available.'))
            : store.purgeTimers(status, stretch),
      },
    });
    await janitor.start();
    await eventually(() => clock.armed === 1);
    fails = false;

    clock.advance(2000);
    await eventually(async () => (await left()).length === 0);

    await janitor.stop();
  });
});
