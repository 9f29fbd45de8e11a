import { describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import type { IdempotencyRecord, KeyedTimer, Timer, TimerStore } from '../../src/timers/index.ts';
import { claimOf, makeTimer, makeTimers, resultOf, T0 } from '../support/timers.ts';
import type { OpenedStore } from './contract.ts';

const DAY_MS = 86_400_000;
const CREATED = T0 - 1000;

const record = (key: string, over: Partial<IdempotencyRecord> = {}): IdempotencyRecord => ({
  key,
  requestHash: Buffer.alloc(32, 1),
  expiresAt: CREATED + DAY_MS,
  answerOf: ({ kind, timer }) => JSON.stringify({ kind, id: timer.id }),
  ...over,
});
const once = (key: string, over: Partial<IdempotencyRecord> = {}, timer: Partial<Timer> = {}): KeyedTimer => ({
  timer: makeTimer(timer),
  idempotency: record(key, over),
});
const named = (key: string, over: Partial<Timer> = {}): KeyedTimer => ({
  timer: makeTimer({ key, owner: 'shop', ...over }),
  idempotency: null,
});
const answerTo = ({ timer }: KeyedTimer) => JSON.stringify({ kind: 'created', id: timer.id });

/** What a store promises of timers that come with keys. */
export function describeKeyedTimers(opened: () => OpenedStore): void {
  const store = (): TimerStore => opened().store;
  const insertOne = async (entry: KeyedTimer, at: TimerStore = store()) => {
    const [result] = await at.insertKeyed([entry]);
    if (result === undefined) throw new Error('an entry got no result');
    return result;
  };
  const waitingCount = async () => (await store().claim(claimOf())).length;

  describe('a timer with an idempotency key', () => {
    it('is stored once, and its request gets the first answer again', async () => {
      const first = once('a');
      expect(await insertOne(first)).toEqual({ kind: 'created', timer: first.timer });

      expect(await insertOne(once('a'), opened().replica)).toEqual({ kind: 'replayed', answer: answerTo(first) });

      expect(await waitingCount()).toBe(1);
    });

    it('is refused to another request', async () => {
      await insertOne(once('a'));

      const result = await insertOne(once('a', { requestHash: Buffer.alloc(32, 2) }));

      expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'idempotency_key_reused' } });
      expect(await waitingCount()).toBe(1);
    });

    it('leaves the key to other owners, and to keys that differ in case or in a blank at the end', async () => {
      await insertOne(once('a'));

      for (const other of [once('a', {}, { owner: 'shop' }), once('A'), once('a ')]) {
        expect(await insertOne(other)).toMatchObject({ kind: 'created' });
      }
    });

    it('can be stored anew when its record has expired', async () => {
      await insertOne(once('a'));
      const next = once(
        'a',
        { requestHash: Buffer.alloc(32, 2), expiresAt: CREATED + 2 * DAY_MS },
        { createdAt: CREATED + DAY_MS },
      );

      expect(await insertOne(next)).toMatchObject({ kind: 'created' });

      const again = once('a', { requestHash: Buffer.alloc(32, 2) }, { createdAt: CREATED + DAY_MS + 1 });
      expect(await insertOne(again)).toEqual({ kind: 'replayed', answer: answerTo(next) });
    });

    it('is stored once by fifty callers on two replicas, who all get the same answer', async () => {
      const entries = Array.from({ length: 50 }, () => once('a'));

      const results = await Promise.all(
        entries.map((entry, index) => insertOne(entry, index % 2 === 0 ? store() : opened().replica)),
      );

      const answers = results.map((result) =>
        result.kind === 'created'
          ? JSON.stringify({ kind: 'created', id: result.timer.id })
          : (result as { answer: string }).answer,
      );
      expect(new Set(answers).size).toBe(1);
      expect(results.filter(({ kind }) => kind === 'created')).toHaveLength(1);
      expect(await waitingCount()).toBe(1);
    });

    it('is carried out once by batches that bring the same keys in different orders at the same time', async () => {
      const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`);
      const batches = Array.from({ length: 12 }, (_, index) =>
        (index % 3 === 0 ? keys : index % 3 === 1 ? keys.toReversed() : keys.toSorted()).map((key) => once(key)),
      );

      const results = await Promise.all(
        batches.map((batch, index) => (index % 2 === 0 ? store() : opened().replica).insertKeyed(batch)),
      );

      expect(results.flat().filter(({ kind }) => kind === 'created')).toHaveLength(200);
      expect(await waitingCount()).toBe(200);
    });

    it('is the same within one batch as in two', async () => {
      const [first, same, other] = [once('a'), once('a'), once('a', { requestHash: Buffer.alloc(32, 2) })] as const;

      expect(await store().insertKeyed([first, same, other])).toMatchObject([
        { kind: 'created', timer: { id: first.timer.id } },
        { kind: 'replayed', answer: answerTo(first) },
        { kind: 'refused', refusal: { code: 'idempotency_key_reused' } },
      ]);
    });

    it('leaves nothing behind when it cannot be stored, and fails nobody else', async () => {
      const bad = once('bad', {}, { action: null as never });
      const good = Array.from({ length: 10 }, (_, index) => once(`good ${index}`));

      const results = await Promise.allSettled([bad, ...good].map((entry) => insertOne(entry)));

      expect(results.map(({ status }) => status)).toEqual(['rejected', ...good.map(() => 'fulfilled')]);
      expect(await insertOne(once('bad'))).toMatchObject({ kind: 'created' });
    });
  });

  describe('a timer with a key of its own', () => {
    it('is made where none waits, and found by the key', async () => {
      const entry = named('invoice/4711');

      expect(await insertOne(entry)).toEqual({ kind: 'created', timer: entry.timer });

      const found = await store().findByKey({ owner: 'shop', key: 'invoice/4711' });
      expect(found).toMatchObject({ id: entry.timer.id, key: 'invoice/4711' });
      expect(await store().findByKey({ owner: null, key: 'invoice/4711' })).toBeUndefined();
      expect(await store().findByKey({ owner: 'shop', key: 'invoice/4711 ' })).toBeUndefined();
    });

    it('that waits is moved and edited under its id', async () => {
      const first = named('k', { label: 'first', body: Buffer.from('one'), bodyBytes: 3 });
      await insertOne(first);
      const dueAt = T0 + 60_000;
      const second = named('k', {
        dueAt,
        createdAt: T0,
        url: 'http://other.example/',
        method: 'PUT',
        headers: { a: 'b' },
      });

      const result = await insertOne(second, opened().replica);

      const expected = { ...second.timer, id: first.timer.id, createdAt: first.timer.createdAt, fence: 1 };
      expect(result).toEqual({ kind: 'changed', timer: expected });
      expect(await store().find(first.timer.id)).toEqual(expected);
      expect(await store().find(second.timer.id)).toBeUndefined();
    });

    it('that waits is no more what a change saw that was decided before', async () => {
      const { timer: seen } = named('k');
      await insertOne({ timer: seen, idempotency: null });
      await insertOne(named('k', { url: 'http://other.example/' }));

      expect(await store().change(seen, { headers: { a: 'secret of the old order' } })).toBeUndefined();
    });

    it('that was tried already begins a new run when it is edited, whose fence goes on', async () => {
      await insertOne(named('k'));
      const [held] = await store().claim(claimOf());
      if (held === undefined) throw new Error('nothing was claimed');
      await store().record([resultOf(held, { status: 'waiting', wakeAt: T0 + 5000, nextAttemptAt: T0 + 5000 })]);

      await insertOne(named('k'));

      expect(await store().find(held.id)).toMatchObject({
        run: 1,
        attempts: 0,
        fence: 2,
        latenessMs: null,
        firedAt: null,
      });
    });

    it('that a dead replica may have sent begins a new run too', async () => {
      await insertOne(named('k'));
      await store().claim(claimOf({ leaseEndsAt: T0 + 500 }));
      const [held] = await store().claim(claimOf({ from: 'executing' }));
      if (held === undefined) throw new Error('nothing was taken over');
      const back = { status: 'waiting', wakeAt: T0 + 5000, nextAttemptAt: T0 + 5000, attempt: null } as const;
      await store().record([resultOf(held, back)]);

      expect(await insertOne(named('k'))).toMatchObject({ kind: 'changed', timer: { id: held.id, run: 1 } });

      expect(await store().find(held.id)).toMatchObject({ run: 1, lost: 0, fence: 3 });
    });

    it('that is being executed is refused, and stays as it is', async () => {
      await insertOne(named('k'));
      const [held] = await store().claim(claimOf());

      const result = await insertOne(named('k', { label: 'other' }));

      expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'already_executing' } });
      expect(await store().find(held?.id ?? '')).toMatchObject({
        status: 'executing',
        claimId: held?.claimId,
        label: null,
      });
    });

    it('that is finished makes room for a new one', async () => {
      const first = named('k');
      await insertOne(first);
      const [held] = await store().claim(claimOf());
      if (held === undefined) throw new Error('nothing was claimed');
      await store().record([resultOf(held)]);
      const second = named('k');

      expect(await insertOne(second)).toEqual({ kind: 'created', timer: second.timer });

      expect(await store().findByKey({ owner: 'shop', key: 'k' })).toMatchObject({ id: second.timer.id });
      expect(await store().find(first.timer.id)).toMatchObject({ status: 'done' });
    });

    it('can be changed into one that this replica holds already', async () => {
      const first = named('k');
      await insertOne(first);
      const claimed = { status: 'executing', claimId: v7(), wakeAt: T0 + 30_000, fence: 1 } as const;

      const result = await insertOne(named('k', claimed));

      expect(result).toMatchObject({
        kind: 'changed',
        timer: { id: first.timer.id, fence: 1, claimId: claimed.claimId },
      });
      expect(await store().claim(claimOf())).toEqual([]);
    });

    it('is one and the same for fifty callers on two replicas', async () => {
      const entries = Array.from({ length: 50 }, (_, index) => named('k', { label: `call ${index}` }));

      const results = await Promise.all(
        entries.map((entry, index) => insertOne(entry, index % 2 === 0 ? store() : opened().replica)),
      );

      const kinds = results.map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'created')).toHaveLength(1);
      expect(kinds.filter((kind) => kind === 'changed')).toHaveLength(49);
      expect(await waitingCount()).toBe(1);
    });

    it('is changed before a claim or not at all, however they race', async () => {
      const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
      await store().insertKeyed(keys.map((key) => named(key)));
      const edits = keys.map((key) => insertOne(named(key, { label: 'edited' })));
      const claims = Array.from({ length: 20 }, () => opened().replica.claim(claimOf({ limit: 10 })));

      const results = await Promise.all(edits);

      const claimed = [...(await Promise.all(claims)).flat(), ...(await store().claim(claimOf()))];
      expect(claimed).toHaveLength(100);
      const timers = await Promise.all(claimed.map(({ id }) => store().find(id)));
      const labels = new Map(timers.map((timer) => [timer?.key, timer?.label]));
      for (const [index, result] of results.entries()) {
        expect([result.kind, labels.get(keys[index] ?? '')]).toEqual(
          result.kind === 'changed' ? ['changed', 'edited'] : ['refused', null],
        );
      }
    });

    it('is the same within one batch as in two', async () => {
      const [first, second] = [named('k', { label: 'first' }), named('k', { label: 'second' })] as const;

      const results = await store().insertKeyed([first, second]);

      expect(results).toMatchObject([{ kind: 'created' }, { kind: 'changed', timer: { id: first.timer.id } }]);
      expect(await store().find(first.timer.id)).toMatchObject({ label: 'second' });
      expect(await store().find(second.timer.id)).toBeUndefined();
    });

    it('may have an idempotency key too, which then tells what became of the whole', async () => {
      await insertOne(named('k'));
      const both = () => ({ ...named('k'), idempotency: record('a') });

      const changed = await insertOne(both());
      if (changed.kind !== 'changed') throw new Error('the timer was not changed');

      const answer = JSON.stringify({ kind: 'changed', id: changed.timer.id });
      expect(await insertOne(both())).toEqual({ kind: 'replayed', answer });
    });

    it('frees its idempotency key when it is refused', async () => {
      await insertOne(named('k'));
      const [held] = await store().claim(claimOf());
      if (held === undefined) throw new Error('nothing was claimed');
      const both = () => ({ ...named('k'), idempotency: record('a') });

      expect(await insertOne(both())).toMatchObject({ kind: 'refused' });

      await store().record([resultOf(held)]);
      expect(await insertOne(both())).toMatchObject({ kind: 'created' });
    });
  });

  it('keeps a batch of a thousand timers, some with keys and some without', async () => {
    const entries = makeTimers(1000).map((timer, index): KeyedTimer => {
      if (index % 3 === 0) return { timer, idempotency: null };
      return index % 3 === 1 ? { timer, idempotency: record(`r${index}`) } : named(`k${index}`);
    });

    const results = await store().insertKeyed(entries);

    expect(results.every(({ kind }) => kind === 'created')).toBe(true);
    expect((await waitingCount()) + (await waitingCount())).toBe(1000);
  });
}
