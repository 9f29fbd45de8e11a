import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PresenceStore } from '../../src/presence/index.ts';
import { checkOf } from '../../src/presence/check-timer.ts';
import type { ClaimedTimer, ClaimResult, Timer, TimerStore } from '../../src/timers/index.ts';
import { openEmptySqlite } from '../support/emptied-sqlite.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { everyTimer } from './contract-changes.ts';
import { emptiedMysql } from './emptied-mysql.ts';
import { claimOf, makeTimer, makeTimers, resultOf, T0 } from '../support/timers.ts';

type Store = TimerStore & PresenceStore;

interface Opened {
  store: Store;
  /** The same database through other connections; the same store where there can be one process only. */
  replica: Store;
  close: () => Promise<void>;
}

const engines: Record<string, () => Promise<Opened>> = {
  async sqlite() {
    const store = await openEmptySqlite({ clock: createManualClock() });
    return { store, replica: store, close: () => store.close() };
  },
  mysql: emptiedMysql('mysql'),
  mariadb: emptiedMysql('mariadb'),
};

const TTL = 30_000;
const DEADLINE = 10_000;
const checkAt = (objectId: string, now = T0) => checkOf(objectId, { now, ttlMs: TTL, deadlineMs: DEADLINE });
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

describe.each(Object.entries(engines))('What presence keeps, on %s,', (_, open) => {
  let opened: Opened;
  let store: Store;

  beforeEach(async () => {
    opened = await open();
    store = opened.store;
  });
  afterEach(() => opened.close());

  const queue = (ids: string[], now = T0, by = store) => by.queueChecks(ids.map((id) => checkAt(id, now)));
  const idOf = (objectId: string) => checkAt(objectId).id;
  async function checkRow(objectId: string): Promise<Timer> {
    const timer = await store.find(idOf(objectId));
    if (timer === undefined) throw new Error('the check is gone');
    return timer;
  }
  const claim = (over: Parameters<typeof claimOf>[0] = {}) => store.claim(claimOf(over));
  async function claimOne(over: Parameters<typeof claimOf>[0] = {}): Promise<ClaimedTimer> {
    const [claimed] = await claim(over);
    if (claimed === undefined) throw new Error('nothing was claimed');
    return claimed;
  }
  const failure = (held: ClaimedTimer, nextAttemptAt: number) =>
    resultOf(held, { status: 'waiting', wakeAt: nextAttemptAt, nextAttemptAt });

  describe('a check', () => {
    it('is a timer that waits to be performed at once', async () => {
      await queue(['4711', 'é/?#']);

      const claimed = await claim({ wakeTo: T0 });

      expect(claimed.map(({ url }) => url).sort()).toEqual(['/objects/%C3%A9%2F%3F%23', '/objects/4711']);
      expect(claimed[0]).toMatchObject({ action: 'object-check', attempts: 0, fence: 1, expiresAfterMs: TTL });
    });

    it('that waits is left as it is by a second one, whichever replica asks for it', async () => {
      await queue(['a', 'b']);
      await queue(['b', 'c'], T0 + 500, opened.replica);

      expect((await checkRow('b')).dueAt).toBe(T0);
      expect(await claim()).toHaveLength(3);
    });

    it('that is asked for while it runs comes once more when it must be over, however often that was', async () => {
      await queue(['a']);
      const held = await claimOne();
      await queue(['a'], T0 + 500);
      await queue(['a'], T0 + 900, opened.replica);

      const overAt = T0 + 500 + DEADLINE;
      expect(await claim({ wakeTo: overAt - 1 })).toEqual([]);
      const again = await claimOne({ wakeTo: overAt });
      expect(again).toMatchObject({ dueAt: overAt, nextAttemptAt: overAt, attempts: 0, fence: 2 });
      expect(await store.record([resultOf(held)])).toEqual([held.id]);
      expect(await checkRow('a')).toMatchObject({ status: 'executing', claimId: again.claimId });
      expect(await store.record([resultOf(again)])).toEqual([]);
      expect((await checkRow('a')).status).toBe('done');
    });

    it.each([
      ['was done', {}, T0 + 500],
      ['was given up', { status: 'failed', reason: 'expired', wakeAt: T0 + 700, attempt: null }, T0 + 700],
      ['is to be retried', { status: 'waiting', wakeAt: T0 + 3000 }, T0 + 3000],
      ['is to be retried much later', { status: 'waiting', wakeAt: T0 + 20_000 }, T0 + 500 + DEADLINE],
      ['was handed back', { status: 'waiting', wakeAt: T0 + 900, attempt: null }, T0 + 900],
    ] satisfies [string, Partial<ClaimResult>, number][])(
      'that is asked for while it runs, and %s, then comes once more',
      async (_, outcome, at) => {
        await queue(['a']);
        const held = await claimOne();
        await queue(['a'], T0 + 500, opened.replica);

        expect(await store.record([resultOf(held, outcome)])).toEqual([]);
        expect(await store.record([resultOf(held, outcome)])).toEqual([]);

        expect(await checkRow('a')).toMatchObject({ dueAt: at, nextAttemptAt: at, wakeAt: at, attempts: 0 });
        expect(await store.attemptsOf(held.id, { afterFence: 0, limit: 9 })).toEqual([]);
        expect(await claim({ wakeTo: at - 1 })).toEqual([]);
        const again = await claimOne({ wakeTo: at });
        expect(await store.record([resultOf(held, outcome)])).toEqual([held.id]);
        expect(await checkRow('a')).toMatchObject({ status: 'executing', claimId: again.claimId });
      },
    );

    it('that is asked for while it runs is no obstacle to the other results of its batch', async () => {
      const timers = makeTimers(2);
      await store.insert(timers);
      await queue(['a', 'b', 'c']);
      const held = await claim();
      await queue(['b']);
      const [taken] = await claim({ from: 'executing', wakeTo: T0 + 30_000, leaseEndsAt: T0 + 60_000, limit: 1 });

      expect(await store.record(held.map((timer) => resultOf(timer)))).toEqual([taken?.id]);

      const left = held.filter(({ id }) => id !== taken?.id && id !== idOf('b'));
      for (const { id } of left) expect((await store.find(id))?.status).toBe('done');
      expect(left).toHaveLength(3);
    });

    it('is performed after whatever it was asked for last, however claims, results and callbacks meet', async () => {
      const ids = numbers(200);
      const news = new Map<string, number>();
      const looked = new Map<string, number>();
      let isOver = false;

      async function callBack(by: Store): Promise<void> {
        for (let round = 0; round < 15; round++) {
          const named = ids.filter(() => Math.random() < 0.3);
          for (const id of named) news.set(idOf(id), (news.get(idOf(id)) ?? 0) + 1);
          await queue(named, T0, by);
        }
      }
      async function look(by: Store, wakeTo = T0 + 1000): Promise<number> {
        const held = await by.claim(claimOf({ wakeTo, limit: 50 }));
        for (const { id } of held) looked.set(id, Math.max(looked.get(id) ?? 0, news.get(id) ?? 0));
        await by.findObject('what takes as long as a look-up');
        await by.record(held.map((timer) => resultOf(timer)));
        return held.length;
      }
      async function keepLooking(by: Store): Promise<void> {
        while (!isOver) await look(by);
      }

      const lookers = [store, opened.replica, opened.replica].map(keepLooking);
      await Promise.all([store, opened.replica].map(callBack)).finally(() => (isOver = true));
      await Promise.all(lookers);
      while ((await look(store, T0 + DEADLINE)) > 0);

      expect(looked).toEqual(news);
    });

    it('that is over begins anew in its own row, with nothing of the last one but the fence', async () => {
      await queue(['a']);
      const first = await claimOne();
      expect(await store.record([failure(first, T0 + 10)])).toEqual([]);
      const second = await claimOne();
      expect(await store.record([resultOf(second, { status: 'failed', reason: 'expired' })])).toEqual([]);
      expect(await store.attemptsOf(first.id, { afterFence: 0, limit: 9 })).not.toEqual([]);

      await queue(['a'], T0 + 40_000);

      expect(await checkRow('a')).toEqual({
        ...checkAt('a', T0 + 40_000),
        claimId: second.claimId,
        fence: 2,
      });
      expect(await store.attemptsOf(first.id, { afterFence: 0, limit: 9 })).toEqual([]);
    });

    it('that began anew takes no outcome of the one before', async () => {
      await queue(['a']);
      const late = await claimOne();
      await queue(['a'], T0 + TTL + 1);

      await store.record([resultOf(late)]);
      expect((await checkRow('a')).status).toBe('waiting');
      const held = await claimOne({ wakeTo: T0 + 60_000 });
      expect(await store.record([resultOf(late)])).toEqual([late.id]);
      expect(await checkRow('a')).toMatchObject({ status: 'executing', claimId: held.claimId });
    });

    it('begins anew too where it would only be found to have expired', async () => {
      await queue(['retried too late', 'retried in time', 'too old']);
      const held = await claim();
      const due = (id: string) => held.filter((timer) => timer.id === idOf(id));
      await store.record([
        ...due('retried too late').map((timer) => failure(timer, T0 + TTL + 1)),
        ...due('retried in time').map((timer) => failure(timer, T0 + TTL)),
        ...due('too old').map((timer) => failure(timer, T0 + TTL)),
      ]);

      await queue(['retried too late', 'retried in time'], T0 + 20_000);
      await queue(['too old'], T0 + TTL + 1);

      const dueOf = async (id: string) => (await checkRow(id)).dueAt - T0;
      expect(await dueOf('retried too late')).toBe(20_000);
      expect(await dueOf('retried in time')).toBe(0);
      expect(await dueOf('too old')).toBe(TTL + 1);
    });

    it('is there once, however many replicas ask for the same at once, and ten thousand are stored quickly', async () => {
      const ids = numbers(10_000);
      const batches = Array.from({ length: 20 }, (_, index) => ids.slice(index * 500, (index + 1) * 500));
      const startedAt = performance.now();

      await Promise.all([
        ...batches.map((some) => queue(some)),
        ...batches.toReversed().map((some) => queue(some, T0, opened.replica)),
      ]);

      expect(performance.now() - startedAt).toBeLessThan(15_000);
      const counted = await store.list({ ...everyTimer, action: 'object-check' }, { after: null, limit: 500 });
      expect(counted.timers).toHaveLength(500);
      const seen = new Set<string>();
      for (let claimed = await claim(); claimed.length > 0; claimed = await claim()) {
        for (const { id } of claimed) {
          expect(seen.has(id)).toBe(false);
          seen.add(id);
        }
      }
      expect(seen.size).toBe(10_000);
    });

    it('stands behind all timers in the list of the newest', async () => {
      await queue(numbers(20));
      const timer = makeTimer();
      await store.insert([timer]);

      const page = await store.list(everyTimer, { after: null, limit: 1 });

      expect(page.timers.map(({ id }) => id)).toEqual([timer.id]);
      expect(idOf('x') < timer.id).toBe(true);
    });
  });

  describe('the revival of checks', () => {
    const [LEASE, DEADLINE] = [30_000, 10_000];
    const [dead, living] = [crypto.randomUUID(), crypto.randomUUID()];
    const revive = (now = T0 + 3001) =>
      opened.replica.reviveChecks({ action: 'object-check', leaseMs: LEASE, deadlineMs: DEADLINE, now });

    it('has them found at once, without regard to the lease, and drops what the former holder comes up with', async () => {
      await store.keepChecker({ replica: dead, aliveUntil: T0 + 3000 });
      await queue(['a']);
      const held = await claimOne();

      expect(await revive()).toBe(1);
      expect(await revive()).toBe(0);

      expect(await checkRow('a')).toMatchObject({ status: 'waiting', wakeAt: T0 + 3001, nextAttemptAt: T0 + 3001 });
      const again = await claimOne({ wakeTo: T0 + 3001, leaseEndsAt: T0 + 3001 + LEASE });
      expect(await store.record([resultOf(held)])).toEqual([held.id]);
      expect(await checkRow('a')).toMatchObject({ status: 'executing', claimId: again.claimId });
    });

    it('has one found at once too that was asked again while the dead ran it', async () => {
      await store.keepChecker({ replica: dead, aliveUntil: T0 + 3000 });
      await queue(['a']);
      await claimOne();
      await queue(['a'], T0 + 2000);
      expect((await checkRow('a')).wakeAt).toBeGreaterThan(T0 + 3001);

      expect(await revive()).toBe(1);

      const at = T0 + 3001;
      expect(await checkRow('a')).toMatchObject({ status: 'waiting', dueAt: at, wakeAt: at, nextAttemptAt: at });
    });

    it('waits for a death: a replica that tells of itself, or has taken leave, is not dead', async () => {
      await store.keepChecker({ replica: living, aliveUntil: T0 + 1000 });
      await store.keepChecker({ replica: dead, aliveUntil: T0 + 1000 });
      await queue(['a']);
      await claimOne();

      await store.keepChecker({ replica: living, aliveUntil: T0 + 3001 });
      await store.dropChecker(dead);
      expect(await revive()).toBe(0);
      expect(await revive(T0 + 3002)).toBe(1);
    });

    it('leaves those alone that are over, that are no checks, or were claimed after the death or long before', async () => {
      const claimAt = (ms: number) => claim({ leaseEndsAt: T0 + ms + LEASE });
      await queue(['long before']);
      await claim({ leaseEndsAt: T0 + 3000 });
      await queue(['over']);
      await store.insert([makeTimer()]);
      await store.record((await claimAt(0)).filter(({ action }) => action !== 'webhook').map((held) => resultOf(held)));
      await queue(['before']);
      await claimAt(3000);
      await queue(['after']);
      await claimAt(3001);
      await store.keepChecker({ replica: dead, aliveUntil: T0 + 3000 });

      expect(await revive()).toBe(1);
      expect((await checkRow('before')).status).toBe('waiting');
    });

    it('comes to all of them where they are many', async () => {
      await store.keepChecker({ replica: dead, aliveUntil: T0 + 3000 });
      const ids = numbers(600);
      await Promise.all([queue(ids.slice(0, 300)), queue(ids.slice(300))]);
      await claim();
      await claim();

      expect([await revive(), await revive(), await revive()]).toEqual([500, 100, 0]);
    });
  });

  describe('a sighting', () => {
    it('is kept by the object, and never moved back', async () => {
      await store.keepSightings([{ id: 'a', lastSeen: T0 }]);
      await opened.replica.keepSightings([{ id: 'a', lastSeen: T0 + 5 }]);
      await store.keepSightings([{ id: 'a', lastSeen: T0 + 3 }]);

      expect(await store.findObject('a')).toEqual({ id: 'a', lastSeen: T0 + 5 });
      expect(await store.findObject('b')).toBeUndefined();
    });

    it('of the same object may come several times at once, from several replicas', async () => {
      const ids = numbers(50);
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (index % 2 ? store : opened.replica).keepSightings(
            (index % 3 ? ids : ids.toReversed()).map((id) => ({ id, lastSeen: T0 + ((index * 7) % 40) })),
          ),
        ),
      );

      const seen = await store.listObjects({ after: null, limit: 500 });
      expect(seen).toHaveLength(50);
      expect(new Set(seen.map(({ lastSeen }) => lastSeen))).toEqual(new Set([T0 + 39]));
    });

    it.each([
      ['in capitals', 'A'],
      ['with a blank at its end', 'a '],
      ['with an umlaut', 'ä'],
      ['with the same in two characters', 'a\u0308'],
      ['beyond the basic plane', '🚪'],
      ['of quotes and wildcards', `'"\\%_`],
      ['of a zero', '\0'],
      ['of the greatest length', '世'.repeat(200)],
    ])('of an id %s is of no other object', async (_, id) => {
      await store.keepSightings([{ id: 'a', lastSeen: T0 }]);
      await store.keepSightings([{ id, lastSeen: T0 + 1 }]);

      expect(await store.findObject(id)).toEqual({ id, lastSeen: T0 + 1 });
      expect(await store.findObject('a')).toEqual({ id: 'a', lastSeen: T0 });
    });
  });

  it('lists objects in the order of their bytes, from behind any id', async () => {
    await store.keepSightings(['b', 'B', '10', '9', 'é'].map((id) => ({ id, lastSeen: T0 })));
    const list = async (after: string | null, limit: number) =>
      (await store.listObjects({ after, limit })).map(({ id }) => id);

    expect(await list(null, 10)).toEqual(['10', '9', 'B', 'b', 'é']);
    expect(await list('9', 2)).toEqual(['B', 'b']);
    expect(await list('A', 1)).toEqual(['B']);
    expect(await list('é', 1)).toEqual([]);
  });

  describe('forgetting', () => {
    const forget = (over: Partial<Parameters<Store['forgetObjects']>[0]> = {}, by = store) =>
      by.forgetObjects({ seenUntil: T0, limit: 500, farewellOf: () => [], ...over });

    it('takes the longest unseen first, up to the instant and the limit', async () => {
      await store.keepSightings(numbers(5).map((id) => ({ id, lastSeen: T0 - 4 + Number(id) })));
      await store.keepSightings([{ id: 'later', lastSeen: T0 + 1 }]);

      expect(await forget({ limit: 2 })).toBe(2);
      expect((await store.listObjects({ after: null, limit: 9 })).map(({ id }) => id)).toEqual([
        '2',
        '3',
        '4',
        'later',
      ]);
      expect(await forget()).toBe(3);
      expect(await forget()).toBe(0);
      expect((await store.listObjects({ after: null, limit: 9 })).map(({ id }) => id)).toEqual(['later']);
    });

    it('stores the farewells of exactly those that it deletes', async () => {
      await store.keepSightings(numbers(3).map((id) => ({ id, lastSeen: T0 - Number(id) })));
      const farewells: Timer[] = [];
      const told: unknown[] = [];

      await forget({
        seenUntil: T0 - 1,
        farewellOf(forgotten) {
          told.push(...forgotten);
          farewells.push(...makeTimers(forgotten.length));
          return farewells;
        },
      });

      expect(told).toHaveLength(2);
      expect(told).toEqual(
        expect.arrayContaining([
          { id: '1', lastSeen: T0 - 1 },
          { id: '2', lastSeen: T0 - 2 },
        ]),
      );
      expect((await claim()).map(({ id }) => id).sort()).toEqual(farewells.map(({ id }) => id).sort());
    });

    it('does not happen where the farewells cannot be stored', async () => {
      await store.keepSightings([{ id: 'a', lastSeen: T0 }]);
      const withoutUrl = () => [makeTimer({ url: null as unknown as string })];

      await expect(forget({ farewellOf: withoutUrl })).rejects.toThrow();

      expect(await store.findObject('a')).toEqual({ id: 'a', lastSeen: T0 });
    });

    it('and sightings, many of both at once, lose nothing that is seen meanwhile', async () => {
      const ids = numbers(300);
      await store.keepSightings(ids.map((id) => ({ id, lastSeen: T0 })));
      const farewells: string[] = [];
      const farewellOf = (forgotten: { id: string }[]) => {
        farewells.push(...forgotten.map(({ id }) => id));
        return [];
      };

      await Promise.all([
        ...[store, opened.replica].map((by) => forget({ farewellOf }, by)),
        ...ids.map((id, index) =>
          (index % 2 ? store : opened.replica).keepSightings([{ id, lastSeen: T0 + 1 + Number(id) }]),
        ),
      ]);

      const seen = await store.listObjects({ after: null, limit: 500 });
      expect(seen.map(({ lastSeen }) => lastSeen - T0 - 1).sort((a, b) => a - b)).toEqual(ids.map(Number));
      expect(new Set(farewells).size).toBe(farewells.length);
    });
  });
});
