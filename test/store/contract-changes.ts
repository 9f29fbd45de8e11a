import { describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import {
  isErased,
  NEW_RUN,
  Refusal,
  type Timer,
  type TimerChange,
  type TimerQuery,
  type TimerStore,
} from '../../src/timers/index.ts';
import { claimOf, makeTimer, makeTimers, resultOf, T0 } from '../support/timers.ts';
import type { OpenedStore } from './contract.ts';

export const everyTimer: TimerQuery = {
  owner: undefined,
  action: 'webhook',
  status: undefined,
  label: undefined,
  origins: undefined,
  wakeFrom: undefined,
  wakeTo: undefined,
};

export const replayOf = (seen: Timer, at = T0 + 500): TimerChange => ({
  ...NEW_RUN,
  status: 'waiting',
  run: seen.run + 1,
  dueAt: at,
  nextAttemptAt: at,
  wakeAt: at,
});

/** What every store promises to a client who changes a timer. */
export function describeChanges(opened: () => OpenedStore): void {
  const stored = async (over: Partial<Timer> = {}) => {
    const timer = makeTimer(over);
    await opened().store.insert([timer]);
    return timer;
  };

  const finished = async (over: Partial<Timer> = {}, result: Parameters<typeof resultOf>[1] = {}) => {
    const { id } = await stored(over);
    const [claimed] = await opened().store.claim(claimOf());
    if (claimed?.id !== id) throw new Error('another timer was claimed');
    await opened().store.record([resultOf(claimed, result)]);
    return found(id);
  };

  const found = async (id: string) => {
    const timer = await opened().store.find(id);
    if (timer === undefined) throw new Error('the timer is gone');
    return timer;
  };

  describe('a change', () => {
    it('writes what it names, leaves the rest, and returns the timer as it stands', async () => {
      const seen = await stored({ metadata: { a: '1' }, maxAttempts: 3 });

      const changed = await opened().store.change(seen, { metadata: null, headers: { 'x-a': 'b' }, method: 'PUT' });

      expect(changed).toEqual({ ...seen, metadata: null, headers: { 'x-a': 'b' }, method: 'PUT', fence: 1 });
      expect(await opened().replica.find(seen.id)).toEqual(changed);
    });

    it('is refused where another change saw the same timer, as it was decided by what is so no more', async () => {
      const seen = await stored();

      const changed = await Promise.all([
        opened().store.change(seen, { method: 'PUT' }),
        opened().replica.change(seen, { maxAttempts: 2 }),
      ]);

      const [accepted, ...others] = changed.filter((timer) => timer !== undefined);
      expect(others).toEqual([]);
      expect(await found(seen.id)).toEqual(accepted);
    });

    it('that moves a timer moves it out of the reach of a claim', async () => {
      const seen = await stored();
      const later = T0 + 5000;

      await opened().store.change(seen, { dueAt: later, nextAttemptAt: later, wakeAt: later });

      expect(await opened().store.claim(claimOf())).toEqual([]);
      expect(await opened().store.claim(claimOf({ wakeTo: later }))).toMatchObject([{ id: seen.id, dueAt: later }]);
    });

    it('is refused once a replica has claimed the timer, and changes nothing', async () => {
      const seen = await stored();
      await opened().replica.claim(claimOf());

      expect(await opened().store.change(seen, { status: 'cancelled', wakeAt: T0 })).toBeUndefined();

      expect(await found(seen.id)).toMatchObject({ status: 'executing', fence: 1 });
    });

    it('is refused when the timer was claimed and handed back since it was seen', async () => {
      const seen = await stored();
      const [held] = await opened().store.claim(claimOf());
      if (held === undefined) throw new Error('nothing was claimed');
      const back = { status: 'waiting', wakeAt: T0 + 9, nextAttemptAt: T0 + 9, attempt: null } as const;
      await opened().store.record([resultOf(held, back)]);

      expect(await opened().store.change(seen, { method: 'PUT' })).toBeUndefined();

      expect(await found(seen.id)).toMatchObject({ status: 'waiting', method: 'POST' });
    });

    it('of a timer that is gone is refused', async () => {
      expect(await opened().store.change(makeTimer(), { method: 'PUT' })).toBeUndefined();
    });

    it('can claim the timer for the replica that makes it, which then records under that claim', async () => {
      const seen = await stored({ dueAt: T0 + 60_000 });
      const claim = { claimId: v7(), wakeAt: T0 + 30_000 };

      const claimed = await opened().store.change(seen, {
        ...claim,
        status: 'executing',
        dueAt: T0 + 100,
        nextAttemptAt: T0 + 100,
      });

      expect(claimed).toMatchObject({ ...claim, status: 'executing', fence: 1, dueAt: T0 + 100 });
      expect(await opened().store.record([resultOf({ id: seen.id, claimId: claim.claimId })])).toEqual([]);
      expect(await found(seen.id)).toMatchObject({ status: 'done', attempts: 1 });
    });

    it('of a timer that is cancelled wins over every claim or loses to it, never half', async () => {
      const timers = makeTimers(300);
      await opened().store.insert(timers);

      const [claimed, ...cancelled] = await Promise.all([
        opened().replica.claim(claimOf({ limit: 300 })),
        ...timers.map((timer) => opened().store.change(timer, { status: 'cancelled', wakeAt: T0 })),
      ]);

      const accepted = cancelled.filter((timer) => timer !== undefined).map(({ id }) => id);
      const later = await opened().store.claim(claimOf());
      const sent = [...claimed, ...later].map(({ id }) => id);
      expect(sent.filter((id) => accepted.includes(id))).toEqual([]);
      expect(new Set([...sent, ...accepted]).size).toBe(300);
      expect(sent.length + accepted.length).toBe(300);
    });
  });

  describe('a replay', () => {
    it('begins a new run whose fence goes on, and keeps the first-try success of the last one', async () => {
      const seen = await finished({ delivery: 'at_most_once' });

      const replayed = await opened().store.change(seen, replayOf(seen));

      expect(replayed).toMatchObject({ status: 'waiting', run: 1, attempts: 0, fence: 2, latenessMs: null });
      expect(await opened().store.attemptsOf(seen.id, { afterFence: 0, limit: 10 })).toMatchObject([
        { run: 0, number: 1, fence: 1, firedAt: T0 + 1, httpStatus: 200, answer: 'ok' },
      ]);
      expect(await opened().store.claim(claimOf())).toMatchObject([{ id: seen.id, run: 1, fence: 3, attempts: 0 }]);
    });

    it('of many begins a run of those that are done, failed or unknown and match, and of no other', async () => {
      const done = await finished({ label: 'a' });
      const failed = await finished({ label: 'a' }, { status: 'failed', reason: 'gone' });
      const other = await finished({ label: 'b' });
      const cancelled = await stored({ label: 'a', status: 'cancelled' });
      const waiting = await stored({ label: 'a', dueAt: T0 + 90_000 });
      const ids = [done, failed, other, cancelled, waiting].map(({ id }) => id);

      expect(await opened().store.replayAll(ids, { ...everyTimer, label: 'a' }, { dueAt: T0 + 700 })).toBe(2);

      const fresh = { status: 'waiting', run: 1, attempts: 0, dueAt: T0 + 700, wakeAt: T0 + 700, reason: null };
      expect(await found(done.id)).toMatchObject({ ...fresh, ...NEW_RUN });
      expect(await found(failed.id)).toMatchObject({ ...fresh, ...NEW_RUN });
      expect(await found(other.id)).toMatchObject({ status: 'done', run: 0 });
      expect(await found(cancelled.id)).toMatchObject({ status: 'cancelled', run: 0 });
      expect(await found(waiting.id)).toMatchObject({ status: 'waiting', run: 0 });
      expect(await opened().store.attemptsOf(done.id, { afterFence: 0, limit: 10 })).toHaveLength(1);
    });

    it('of many leaves of a timer what a replay of it alone leaves', async () => {
      // Each field as no new run begins with it.
      const ran: { [Field in keyof typeof NEW_RUN]: NonNullable<Timer[Field]> } = {
        reason: 'gone',
        attempts: 2,
        lost: 1,
        sendStartedAt: T0,
        firedAt: T0,
        latenessMs: 1,
        durationMs: 2,
        httpStatus: 410,
        errorCode: 'http_status',
        errorMessage: 'The receiver answered 410.',
        answer: 'gone',
      };
      const over = { ...ran, status: 'failed', run: 1, fence: 4, claimId: v7() } as const;
      const [alone, amongMany] = [await stored(over), await stored(over)];

      await opened().store.change(alone, replayOf(alone, T0 + 700));
      expect(await opened().store.replayAll([amongMany.id], everyTimer, { dueAt: T0 + 700 })).toBe(1);

      expect(await found(amongMany.id)).toEqual({ ...(await found(alone.id)), id: amongMany.id });
    });

    const SHOP = { owner: 'shop', label: 'x' };
    const underKey = async (key: string, over: Partial<Timer> = {}) => {
      const timer = makeTimer({ ...SHOP, key, ...over });
      const [result] = await opened().replica.insertKeyed([{ timer, idempotency: null }]);
      if (result?.kind !== 'created') throw new Error('the key was in use');
      return timer;
    };
    const tried = { attempts: 1, firedAt: T0, latenessMs: 0, durationMs: 1, httpStatus: 410 };
    const failed = { ...tried, status: 'failed', reason: 'gone', wakeAt: T0 } as const;
    const replayAll = (timers: Timer[], at: TimerStore = opened().store) =>
      at.replayAll(
        timers.map(({ id }) => id),
        { ...everyTimer, label: 'x' },
        { dueAt: T0 + 700 },
      );

    it('is refused to a timer whose key stands for a later one, and changes nothing', async () => {
      const seen = await underKey('k', { ...failed, status: 'done' });
      const later = await underKey('k');

      const refused = opened().store.change(seen, replayOf(seen));

      await expect(refused).rejects.toMatchObject({ code: 'superseded', message: expect.stringContaining(later.id) });
      expect(await found(seen.id)).toEqual(seen);
      expect(await opened().store.attemptsOf(seen.id, { afterFence: 0, limit: 10 })).toEqual([]);
      expect(await opened().store.findByKey({ owner: 'shop', key: 'k' })).toEqual(later);
    });

    it('of many leaves alone those whose keys stand for others, whatever became of these', async () => {
      const first = await underKey('a', { ...failed, status: 'done' });
      const second = await underKey('a', failed);
      const overtaken = await underKey('b', failed);
      await underKey('b', { status: 'cancelled' });
      const latest = await underKey('c', failed);
      const ofAnother = await underKey('a', { ...failed, owner: null });
      const plain = await stored({ ...SHOP, ...failed });

      expect(await replayAll([first, second, overtaken, latest, ofAnother, plain])).toBe(4);

      for (const { id } of [second, latest, ofAnother, plain]) expect(await found(id)).toMatchObject({ run: 1 });
      for (const timer of [first, overtaken]) expect(await found(timer.id)).toEqual(timer);
      expect(await opened().store.attemptsOf(first.id, { afterFence: 0, limit: 10 })).toEqual([]);
    });

    it('of the latest timer of a key leaves it to be changed and found by its key', async () => {
      const alone = await underKey('a', failed);
      const amongMany = await underKey('b', failed);

      await opened().store.change(alone, replayOf(alone));
      await replayAll([amongMany]);

      for (const { id, key } of [alone, amongMany]) {
        const timer = makeTimer({ owner: 'shop', key });
        const [result] = await opened().store.insertKeyed([{ timer, idempotency: null }]);
        expect(result).toMatchObject({ kind: 'changed', timer: { id } });
      }
    });

    it('gives a key, the last timer of which was purged, to the one that is replayed', async () => {
      const [alone, early, late] = [
        await underKey('a', failed),
        await underKey('b', failed),
        await underKey('b', failed),
      ];
      await underKey('a', { status: 'done', wakeAt: T0 });
      await underKey('b', { status: 'done', wakeAt: T0 });
      await opened().store.purgeTimers('done', { from: 0, before: T0 + 1, limit: 500 });
      expect(await opened().store.findByKey({ owner: 'shop', key: 'a' })).toBeUndefined();

      expect(await opened().store.change(alone, replayOf(alone))).toMatchObject({ status: 'waiting', run: 1 });
      expect(await replayAll([early, late])).toBe(1);

      expect(await opened().store.findByKey({ owner: 'shop', key: 'a' })).toMatchObject({ id: alone.id });
      expect(await opened().store.findByKey({ owner: 'shop', key: 'b' })).toMatchObject({ id: late.id, run: 1 });
      expect(await found(early.id)).toEqual(early);
    });

    it('races with inserts under the same keys, and one timer at most waits under each', async () => {
      const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
      const timers = await Promise.all(keys.map((key) => underKey(key, failed)));
      const insertAll = (at: TimerStore) =>
        Promise.all(
          keys.toReversed().map((key) => at.insertKeyed([{ timer: makeTimer({ ...SHOP, key }), idempotency: null }])),
        );

      const [, inserted, ...replays] = await Promise.all([
        replayAll(timers.slice(0, 30), opened().replica),
        insertAll(opened().store),
        ...timers.map((timer) =>
          opened()
            .replica.change(timer, replayOf(timer))
            .catch((error: unknown) => error),
        ),
        ...timers.map((timer) =>
          opened()
            .store.change(timer, replayOf(timer))
            .catch((error: unknown) => error),
        ),
      ]);

      const refusals = replays.filter((result) => result instanceof Refusal).map(({ code }) => code);
      expect(refusals.filter((code) => code !== 'superseded')).toEqual([]);
      expect(inserted.flat().map(({ kind }) => kind)).not.toContain('refused');
      const waiting = await opened().store.claim(claimOf());
      const waitingKeys = await Promise.all(waiting.map(async ({ id }) => (await found(id)).key));
      expect(waitingKeys.toSorted()).toEqual(keys.toSorted());
    });
  });

  describe('a cancellation of many', () => {
    it('takes those that wait and match, by owner, label, host and wake', async () => {
      const mine = { owner: 'shop', label: 'x', url: 'HTTPS://Shop.example/hook', dueAt: T0 + 5000 };
      const meant = await stored(mine);
      const others = await Promise.all([
        stored({ ...mine, owner: 'bank' }),
        stored({ ...mine, label: 'y' }),
        stored({ ...mine, url: 'https://shop.example.org/hook' }),
        stored({ ...mine, url: 'https://shop.example:8443/hook' }),
        stored({ ...mine, dueAt: T0 + 6000 }),
        stored({ ...mine, action: 'status_check' }),
        stored({ ...mine, status: 'done' }),
      ]);
      const query = {
        ...everyTimer,
        owner: 'shop',
        label: 'x',
        origins: ['https://shop.example', 'https://shop.example:443'],
        wakeFrom: T0 + 5000,
        wakeTo: T0 + 6000,
      };

      const ids = [meant, ...others].map(({ id }) => id);
      expect(await opened().store.cancelAll(ids, query, { now: T0 + 7 })).toBe(1);

      expect(await found(meant.id)).toMatchObject({ status: 'cancelled', wakeAt: T0 + 7 });
      for (const { id, status } of others) expect(await found(id)).toMatchObject({ status });
    });

    it('leaves alone what a replica holds', async () => {
      const { id } = await stored();
      await opened().replica.claim(claimOf());

      expect(await opened().store.cancelAll([id], everyTimer, { now: T0 })).toBe(0);
    });
  });

  describe('erasing a payload', () => {
    it('leaves no header, body, metadata or answer of a finished timer, nor of its attempts', async () => {
      const order = { headers: { a: 'b' }, body: Buffer.from('x'), bodyBytes: 1, metadata: { c: 'd' } };
      const seen = await finished({ ...order, maxAttempts: 1 }, { status: 'failed', reason: 'attempts_exhausted' });

      const erased = await opened().store.erasePayload(seen.id);

      const nothing = { headers: null, body: null, metadata: null, answer: null };
      expect(erased).toMatchObject({ ...nothing, status: 'failed', httpStatus: 200 });
      expect(await found(seen.id)).toMatchObject(nothing);
      expect(await opened().store.attemptsOf(seen.id, { afterFence: 0, limit: 10 })).toMatchObject([{ answer: null }]);
    });

    it.each<[string, Partial<Timer>]>([
      ['a body', { body: Buffer.from('x'), bodyBytes: 1 }],
      ['an empty body', { body: new Uint8Array(0), bodyBytes: 0 }],
      ['headers', { headers: { authorization: 'x' } }],
    ])('keeps a timer that had %s from being called again without it', async (_name, order) => {
      const seen = await finished(order);
      await opened().store.erasePayload(seen.id);
      await opened().store.erasePayload(seen.id);

      expect(isErased(await found(seen.id))).toBe(true);
      expect(await opened().store.change(seen, replayOf(seen))).toBeUndefined();
      expect(await opened().store.replayAll([seen.id], everyTimer, { dueAt: T0 })).toBe(0);
    });

    it('lets a timer that carried nothing to its receiver be called again', async () => {
      const seen = await finished({ metadata: { c: 'd' } });
      const erased = await opened().store.erasePayload(seen.id);

      expect(erased && isErased(erased)).toBe(false);
      expect(await opened().store.replayAll([seen.id], everyTimer, { dueAt: T0 })).toBe(1);
    });

    it('is refused while the timer is not finished', async () => {
      const { id } = await stored({ metadata: { c: 'd' } });
      expect(await opened().store.erasePayload(id)).toBeUndefined();
      expect(await found(id)).toMatchObject({ metadata: { c: 'd' } });
    });
  });
}
