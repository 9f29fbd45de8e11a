import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import { BadValue, type ClaimResult, type TimerStore } from '../../src/timers/index.ts';
import { claimOf, makeTimer, makeTimers, pulseOf, resultOf, T0 } from '../support/timers.ts';
import { describeKeyedTimers } from './keyed-contract.ts';
import { describeChanges } from './contract-changes.ts';
import { describeLists } from './contract-lists.ts';
import { describeRetention } from './contract-retention.ts';

/** A store on a database of its own, and further replicas of it where the engine takes more than one. */
export interface OpenedStore {
  store: TimerStore;
  /** The same database through other connections; the same store where there can be one process only. */
  replica: TimerStore;
  /** Every row of the attempts table. */
  attempts(): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** What every store promises, whatever the engine. */
export function describeTimerStore(engine: string, open: () => Promise<OpenedStore>): void {
  describe(`The timer store on ${engine}`, () => {
    let opened: OpenedStore;
    let store: TimerStore;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.close());

    async function insertAndClaim(over: Parameters<typeof claimOf>[0] = {}) {
      const timer = makeTimer();
      await store.insert([timer]);
      const [claimed] = await store.claim(claimOf(over));
      if (claimed === undefined) throw new Error('nothing was claimed');
      return claimed;
    }

    async function found(id: string) {
      const timer = await store.find(id);
      if (timer === undefined) throw new Error('the timer is gone');
      return timer;
    }

    describeLists(() => opened);
    describeChanges(() => opened);
    describeRetention(() => opened);

    describe('keeps', () => {
      it('every field of a timer as it was given', async () => {
        const timer = makeTimer({
          owner: 'billing',
          label: 'reminder-ü',
          key: 'invoice/4711',
          metadata: { plan: 'größer', quote: `'"\\` },
          url: `http://receiver.example/hook?${'x'.repeat(2000)}`,
          method: 'PUT',
          headers: { 'x-one': '1', authorization: "O'Reilly" },
          body: Buffer.from([0, 1, 255, 39, 92]),
          bodyBytes: 5,
          appendId: false,
          timeoutMs: 1500,
          maxAttempts: 3,
          retry: { delays_ms: [1, 2, 3] },
          delivery: 'at_most_once',
          expiresAfterMs: 60_000,
        });

        await store.insert([timer]);

        const { body, ...rest } = await found(timer.id);
        const { body: sent, ...expected } = timer;
        expect(rest).toEqual(expected);
        expect(Buffer.from(body ?? [])).toEqual(sent);
      });

      it('every field of a timer that asks for nothing', async () => {
        const timer = makeTimer();

        await store.insert([timer]);

        expect(await found(timer.id)).toEqual(timer);
      });

      it('a timer once when it is inserted again after a lost answer', async () => {
        const [first, second] = makeTimers(2) as [ReturnType<typeof makeTimer>, ReturnType<typeof makeTimer>];
        await store.insert([first]);

        await store.insert([first, second]);

        expect(await store.claim(claimOf())).toHaveLength(2);
      });

      it('all of a thousand timers that a hundred callers insert at once', async () => {
        const timers = makeTimers(1000);
        const calls = Array.from({ length: 100 }, (_, call) => timers.slice(call * 10, call * 10 + 10));

        await Promise.all(calls.map((call) => store.insert(call)));

        for (const { id } of [timers[0], timers[499], timers[999]].filter((timer) => timer !== undefined)) {
          expect(await store.find(id)).toMatchObject({ id, status: 'waiting' });
        }
      });

      it('the other timers when one of them cannot be stored', async () => {
        const good = makeTimers(20);
        const bad = makeTimer({ action: null as never });
        const calls = [...good.slice(0, 10), bad, ...good.slice(10)].map((timer) => store.insert([timer]));

        const results = await Promise.allSettled(calls);

        expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
        expect(await store.claim(claimOf())).toHaveLength(20);
      });

      it('nothing under an id that was never given out', async () => {
        expect(await store.find(v7())).toBeUndefined();
      });

      it('a value that looks like SQL or like an object as the text it is', async () => {
        const label = `'); DROP TABLE timers; -- {"a":1}`;
        const timer = makeTimer({ label });
        await store.insert([timer]);
        expect(await found(timer.id)).toMatchObject({ label });
      });
    });

    describeKeyedTimers(() => opened);

    describe('a pulse', () => {
      it('tells the clock and nothing else of an empty store', async () => {
        const pulse = await store.pulse(pulseOf());
        expect(pulse).toEqual({ storeNow: expect.any(Number), fresh: null, backlog: null, lease: null });
      });

      it('tells the first fresh row, the first of the backlog and the first lease to end', async () => {
        await store.insert(
          [T0 + 900, T0 - 1500, T0 - 50_000, T0 - 9000, T0 + 5000].map((dueAt) => makeTimer({ dueAt })),
        );
        await store.insert([makeTimer({ status: 'executing', wakeAt: T0 - 5, claimId: v7() })]);

        expect(await store.pulse(pulseOf())).toMatchObject({ fresh: T0 - 1500, backlog: T0 - 50_000, lease: T0 - 5 });
        expect(await store.pulse(pulseOf({ backlogFrom: T0 - 10_000 }))).toMatchObject({ backlog: T0 - 9000 });
        expect(await store.pulse(pulseOf({ leasesFrom: T0 - 4 }))).toMatchObject({ lease: null });
        await store.insert([makeTimer({ status: 'executing', wakeAt: T0 + 30_000, claimId: v7() })]);
        expect(await store.pulse(pulseOf({ leasesFrom: T0 - 4 }))).toMatchObject({ lease: T0 + 30_000 });
      });

      it('looks at no lease where it was not asked to', async () => {
        await store.insert([makeTimer({ status: 'executing', wakeAt: T0 - 5, claimId: v7() })]);
        expect(await store.pulse(pulseOf({ leasesFrom: null }))).toMatchObject({ fresh: null, lease: null });
      });
    });

    describe('a claim', () => {
      it('takes the earliest of the range, up to its limit, and says what it took', async () => {
        const timers = makeTimers(10, (index) => ({ dueAt: T0 - index * 10 }));
        await store.insert(timers);
        const query = claimOf({ limit: 3 });

        const claimed = await store.claim(query);

        const ids = claimed.map(({ id }) => id).sort();
        expect(ids).toEqual(
          timers
            .slice(-3)
            .map(({ id }) => id)
            .sort(),
        );
        for (const timer of claimed) {
          expect(timer).toMatchObject({ claimId: query.claimId, fence: 1, attempts: 0, lost: 0, latenessMs: null });
          expect(timer.nextAttemptAt).toBe(timer.dueAt);
          expect(await found(timer.id)).toMatchObject({ status: 'executing', wakeAt: query.leaseEndsAt });
        }
      });

      it('leaves what lies outside its range', async () => {
        await store.insert([T0 - 2, T0 + 2].map((dueAt) => makeTimer({ dueAt })));
        expect(await store.claim(claimOf({ wakeFrom: T0 - 1, wakeTo: T0 + 1 }))).toEqual([]);
      });

      it('never gets a row that another claim has', async () => {
        await store.insert(makeTimers(2000));
        const claims = Array.from({ length: 16 }, (_, index) =>
          (index % 2 === 0 ? store : opened.replica).claim(claimOf({ limit: 250 })),
        );

        const ids = (await Promise.all(claims)).flat().map(({ id }) => id);

        expect(ids.length).toBeGreaterThan(0);
        const later = (await store.claim(claimOf({ limit: 500 }))).map(({ id }) => id);
        expect(new Set([...ids, ...later]).size).toBe(ids.length + later.length);
      });

      it('brings small bodies along and leaves large ones to be read before sending', async () => {
        const small = makeTimer({ body: Buffer.alloc(4096, 1), bodyBytes: 4096 });
        const large = makeTimer({ body: Buffer.alloc(4097, 2), bodyBytes: 4097 });
        await store.insert([small, large]);

        const claimed = await store.claim(claimOf());

        const byId = new Map(claimed.map((timer) => [timer.id, timer]));
        expect(byId.get(small.id)?.body).toHaveLength(4096);
        expect(byId.get(large.id)).toMatchObject({ body: null, bodyBytes: 4097 });
        const held = { id: large.id, claimId: byId.get(large.id)?.claimId ?? '' };
        expect(await store.readBody(held)).toHaveLength(4097);
        expect(await store.readBody({ ...held, claimId: v7() })).toBeUndefined();
      });

      it('takes over rows whose lease ran out, with a higher fence and one more lost lease', async () => {
        const { id } = await insertAndClaim({ leaseEndsAt: T0 + 2000 });

        expect(await store.claim(claimOf({ from: 'executing', wakeTo: T0 + 1999, leaseEndsAt: T0 + 60_000 }))).toEqual(
          [],
        );
        const [taken] = await store.claim(claimOf({ from: 'executing', wakeTo: T0 + 2000, leaseEndsAt: T0 + 60_000 }));

        expect(taken).toMatchObject({ id, fence: 2, lost: 1, attempts: 0 });
      });

      it('that is released leaves its rows waiting for their own instant, or for now if that has passed', async () => {
        const past = makeTimer({ dueAt: T0 - 10 });
        const coming = makeTimer({ dueAt: T0 + 500 });
        await store.insert([past, coming]);
        const query = claimOf();
        await store.claim(query);

        await store.releaseClaim({ claimId: query.claimId, leaseEndsAt: query.leaseEndsAt, now: T0 });

        expect(await found(past.id)).toMatchObject({ status: 'waiting', wakeAt: T0, attempts: 0 });
        expect(await found(coming.id)).toMatchObject({ status: 'waiting', wakeAt: T0 + 500, attempts: 0 });
      });

      it('that is released leaves alone what another claim has taken since', async () => {
        const query = claimOf({ leaseEndsAt: T0 + 2000 });
        const { id } = await insertAndClaim(query);
        const [taken] = await store.claim(claimOf({ from: 'executing', wakeTo: T0 + 2000, leaseEndsAt: T0 + 60_000 }));

        await store.releaseClaim({ claimId: query.claimId, leaseEndsAt: query.leaseEndsAt, now: T0 + 2001 });

        expect(await found(id)).toMatchObject({ status: 'executing', claimId: taken?.claimId });
      });
    });

    describe('an at-most-once timer', () => {
      it('whose send was marked is never taken over, and ends as unknown when its lease runs out', async () => {
        const marked = await insertAndClaim({ leaseEndsAt: T0 + 2000 });
        await store.insert([makeTimer()]);
        await store.claim(claimOf({ leaseEndsAt: T0 + 2000 }));
        expect(await store.markSends([marked], T0 + 1)).toEqual([]);
        const expired = { wakeFrom: T0, wakeTo: T0 + 2000, limit: 500, now: T0 + 2001 };

        const taken = await store.claim(claimOf({ from: 'executing', wakeTo: T0 + 2000, leaseEndsAt: T0 + 60_000 }));
        expect(taken).toHaveLength(1);
        expect(await store.expireSends({ ...expired, wakeTo: T0 + 1999 })).toBe(0);
        expect(await store.expireSends(expired)).toBe(1);

        expect(await found(marked.id)).toMatchObject({ status: 'unknown', wakeAt: T0 + 2001, sendStartedAt: T0 + 1 });
      });

      it('is not marked once its claim is lost, and can be marked again after a lost answer', async () => {
        const late = await insertAndClaim({ leaseEndsAt: T0 + 2000 });
        const [holder] = await store.claim(claimOf({ from: 'executing', wakeTo: T0 + 2000, leaseEndsAt: T0 + 60_000 }));
        if (holder === undefined) throw new Error('nothing was taken over');

        expect(await store.markSends([late], T0)).toEqual([late.id]);
        expect(await store.markSends([holder], T0)).toEqual([]);
        expect(await store.markSends([holder], T0)).toEqual([]);
      });

      it('that is unknown takes the outcome that its holder still has', async () => {
        const held = await insertAndClaim({ leaseEndsAt: T0 + 2000 });
        await store.markSends([held], T0);
        await store.expireSends({ wakeFrom: T0, wakeTo: T0 + 2000, limit: 500, now: T0 + 2001 });

        expect(await store.record([resultOf(held)])).toEqual([]);

        expect(await found(held.id)).toMatchObject({ status: 'done', attempts: 1 });
      });

      it('that is handed back unsent carries no mark', async () => {
        const held = await insertAndClaim();
        await store.markSends([held], T0);
        const back = { status: 'waiting', wakeAt: T0 + 1000, nextAttemptAt: T0 + 1000, attempt: null } as const;

        await store.record([resultOf(held, back)]);

        expect(await found(held.id)).toMatchObject({ status: 'waiting', sendStartedAt: null });
      });
    });

    describe('recording', () => {
      it('a delivery at the first try finishes the timer and keeps it on the timer alone', async () => {
        const held = await insertAndClaim();

        expect(await store.record([resultOf(held)])).toEqual([]);

        expect(await found(held.id)).toMatchObject({
          status: 'done',
          wakeAt: T0 + 20,
          attempts: 1,
          firedAt: T0 + 1,
          latenessMs: 1,
          durationMs: 19,
          httpStatus: 200,
          answer: 'ok',
          claimId: held.claimId,
        });
        expect(await opened.attempts()).toEqual([]);
      });

      it('a failed try sends the timer back to wait and keeps the attempt', async () => {
        const held = await insertAndClaim();
        const { attempt } = resultOf(held);
        if (attempt === null) throw new Error('a result has an attempt');
        const failed = {
          ...attempt,
          httpStatus: 503,
          errorCode: 'http_503',
          errorMessage: 'busy – später',
          answer: null,
        };

        await store.record([
          resultOf(held, { status: 'waiting', wakeAt: T0 + 5000, nextAttemptAt: T0 + 5000, attempt: failed }),
        ]);

        expect(await found(held.id)).toMatchObject({
          status: 'waiting',
          wakeAt: T0 + 5000,
          nextAttemptAt: T0 + 5000,
          attempts: 1,
          errorCode: 'http_503',
          errorMessage: 'busy – später',
        });
        expect(await opened.attempts()).toEqual([
          expect.objectContaining({ fence: 1, run: 0, attempt: 1, http_status: 503, error_code: 'http_503' }),
        ]);
      });

      it('a row handed back unsent counts no attempt and forgets no lost lease', async () => {
        await insertAndClaim({ leaseEndsAt: T0 + 2000 });
        const [held] = await store.claim(claimOf({ from: 'executing', wakeTo: T0 + 2000, leaseEndsAt: T0 + 60_000 }));
        if (held === undefined) throw new Error('nothing was taken over');

        await store.record([
          resultOf(held, { status: 'waiting', wakeAt: T0 + 3000, nextAttemptAt: T0 + 3000, attempt: null }),
        ]);

        expect(await found(held.id)).toMatchObject({ status: 'waiting', attempts: 0, lost: 1, firedAt: null });
      });

      it('an outcome ends the series of lost leases', async () => {
        await insertAndClaim({ leaseEndsAt: T0 + 2000 });
        const [held] = await store.claim(claimOf({ from: 'executing', wakeTo: T0 + 2000, leaseEndsAt: T0 + 60_000 }));
        if (held === undefined) throw new Error('nothing was taken over');

        await store.record([resultOf(held)]);

        expect(await found(held.id)).toMatchObject({ lost: 0 });
      });

      it('the same result twice changes nothing', async () => {
        const held = await insertAndClaim();
        const back = resultOf(held, { status: 'waiting', wakeAt: T0 + 5000, nextAttemptAt: T0 + 5000 });
        await store.record([back]);

        expect(await store.record([back])).toEqual([]);

        expect(await found(held.id)).toMatchObject({ status: 'waiting', attempts: 1 });
        expect(await opened.attempts()).toHaveLength(1);
      });

      it('that it is unknown counts its attempt once, however often it is told', async () => {
        const held = await insertAndClaim();
        const unknown = resultOf(held, { status: 'unknown' });
        await store.record([unknown]);

        expect(await store.record([unknown])).toEqual([]);

        expect(await found(held.id)).toMatchObject({ status: 'unknown', attempts: 1 });
      });

      it('of a late finisher changes nothing, and tells that the claim was lost', async () => {
        const late = await insertAndClaim({ leaseEndsAt: T0 + 2000 });
        const [holder] = await store.claim(claimOf({ from: 'executing', wakeTo: T0 + 2000, leaseEndsAt: T0 + 60_000 }));

        expect(await store.record([resultOf(late, { status: 'failed', reason: 'gone' })])).toEqual([late.id]);

        expect(await found(late.id)).toMatchObject({ status: 'executing', claimId: holder?.claimId, attempts: 0 });
        expect(await opened.attempts()).toEqual([]);
      });

      it('a result that fits no column is told from one that cannot be stored just now', async () => {
        const held = await insertAndClaim();
        const bad: Partial<ClaimResult>[] = [{ wakeAt: NaN }, { status: 'nonsense' as never }];

        for (const over of bad) await expect(store.record([resultOf(held, over)])).rejects.toBeInstanceOf(BadValue);

        expect(await found(held.id)).toMatchObject({ status: 'executing', attempts: 0 });
      });

      it('a mixed batch records what is ours and drops the rest', async () => {
        await store.insert(makeTimers(500));
        const claimed = await store.claim(claimOf());
        const results = claimed.map((held, index) =>
          index % 50 === 0
            ? resultOf({ ...held, claimId: v7() })
            : resultOf(held, index % 3 === 0 ? { status: 'failed', reason: 'gone' } : {}),
        );

        const lost = await store.record(results);

        expect(lost.sort()).toEqual(
          claimed
            .filter((_, index) => index % 50 === 0)
            .map(({ id }) => id)
            .sort(),
        );
        expect(await found(claimed[1]?.id ?? '')).toMatchObject({ status: 'done' });
        expect(await found(claimed[3]?.id ?? '')).toMatchObject({ status: 'failed', reason: 'gone' });
        expect(await found(claimed[0]?.id ?? '')).toMatchObject({ status: 'executing' });
      });
    });
  });
}
