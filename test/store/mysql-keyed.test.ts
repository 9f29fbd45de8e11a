import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CompiledQuery, sql } from 'kysely';
import { v7 } from 'uuid';
import { findByKey } from '../../src/store/find-by-key.ts';
import { mysqlHints } from '../../src/store/index-hints.ts';
import { insertKeyed } from '../../src/store/insert-keyed.ts';
import { createKeyTables } from '../../src/store/mysql/key-tables.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { replayAll } from '../../src/store/replay.ts';
import type { KeyedTimer, StoredTimer, Timer, TimerStore } from '../../src/timers/index.ts';
import { createDatabase, queryServer, type TestDatabase } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { claimOf, makeTimer, makeTimers, resultOf, T0 } from '../support/timers.ts';
import { everyTimer, replayOf } from './contract-changes.ts';
import { connectTo, KINDS, openFaultyStore, timed, type Db, type FaultyStore } from './mysql-under-test.ts';

const MANY = process.env.TEST_FULL === '1' ? 20_000 : 4000;

const idempotency = (key: string) => ({
  key,
  requestHash: Buffer.alloc(32, 1),
  expiresAt: T0 + 86_400_000,
  answerOf: ({ kind, timer }: { kind: string; timer: Timer }) => JSON.stringify({ kind, id: timer.id }),
});
const once = (key: string): KeyedTimer => ({ timer: makeTimer(), idempotency: idempotency(key) });
const named = (key: string, over: Partial<Timer> = {}): KeyedTimer => ({
  timer: makeTimer({ key, ...over }),
  idempotency: null,
});

describe.each(KINDS)('A transaction with keys on %s', (kind) => {
  let opened: FaultyStore;
  let store: TimerStore;

  beforeEach(async () => {
    opened = await openFaultyStore(kind);
    store = opened.store;
  });
  afterEach(() => opened.close());

  const countTimers = async () => Number((await opened.query('SELECT COUNT(*) AS n FROM timers'))[0]?.n);
  const insertLosing = async (
    entry: KeyedTimer,
    statement: RegExp,
    fault: 'lose the answer' | 'lose the statement',
  ) => {
    const happened = opened.proxy.once(statement, fault);
    const [result] = await store.insertKeyed([entry]);
    await happened;
    return result;
  };
  const COMMIT = /commit$/;
  const STEPS: [string, RegExp][] = [
    ['the keys', /INSERT INTO idempotency_keys/],
    ['the timer', /INSERT INTO timers/],
    ['the commit', COMMIT],
  ];

  it.each(STEPS)('is carried out once when %s got no answer', async (_name, statement) => {
    const entry = once('a');

    expect(await insertLosing(entry, statement, 'lose the answer')).toEqual({ kind: 'created', timer: entry.timer });

    expect(await countTimers()).toBe(1);
    expect(await store.insertKeyed([once('a')])).toEqual([
      { kind: 'replayed', answer: JSON.stringify({ kind: 'created', id: entry.timer.id }) },
    ]);
  });

  it.each(STEPS)('is carried out once when %s never arrived', async (_name, statement) => {
    const entry = once('a');

    expect(await insertLosing(entry, statement, 'lose the statement')).toEqual({ kind: 'created', timer: entry.timer });

    expect(await countTimers()).toBe(1);
  });

  it('that made the timer of a key says so, although the commit got no answer', async () => {
    const entry = named('k');

    expect(await insertLosing(entry, COMMIT, 'lose the answer')).toEqual({ kind: 'created', timer: entry.timer });

    expect(await store.findByKey({ owner: null, key: 'k' })).toMatchObject({ id: entry.timer.id });
    expect(await countTimers()).toBe(1);
  });

  it('that changed the timer of a key changes it once, although the commit got no answer', async () => {
    const first = named('k', { attempts: 1, status: 'waiting' });
    await store.insertKeyed([first]);
    const claimed = { status: 'executing', claimId: v7(), wakeAt: T0 + 30_000, fence: 1 } as const;

    const result = await insertLosing(named('k', claimed), COMMIT, 'lose the answer');

    const expected = { id: first.timer.id, run: 1, fence: 1, claimId: claimed.claimId };
    expect(result).toMatchObject({ kind: 'changed', timer: expected });
    expect(await store.find(first.timer.id)).toMatchObject(expected);
  });
});

describe.each(KINDS)('Keys on %s', (kind) => {
  let database: TestDatabase;
  let store: TimerStore;
  let db: Db;
  const sent: CompiledQuery[] = [];

  beforeAll(async () => {
    database = await createDatabase(kind);
    const settings = mysqlSettings(database.url);
    store = await openMysqlStore(settings);
    db = connectTo(settings, { sent });
  });
  afterAll(async () => {
    await Promise.all([store.close(), db.destroy()]);
    await database.drop();
  });

  /** The store's own statements in a transaction that stays open until it is rolled back. */
  async function open(entries: KeyedTimer[]) {
    const transaction = await db.startTransaction().execute();
    await insertKeyed(createKeyTables({ db: transaction, again: false }), entries);
    return transaction;
  }

  describe('whose first try was committed, though the answer was lost,', () => {
    const tried = async (entry: KeyedTimer, { again }: { again: boolean }) => {
      const [result] = await db
        .transaction()
        .execute((transaction) => insertKeyed(createKeyTables({ db: transaction, again }), [entry], { again }));
      return result;
    };
    /** Somebody else's claim, and what comes of it. */
    const claimed = async () => {
      const [held] = await store.claim(claimOf({ wakeTo: T0 + 60_000 }));
      if (held === undefined) throw new Error('nothing was claimed');
      return held;
    };
    const finished = async () => store.record([resultOf(await claimed())]);
    const meanwhiles: [string, () => Promise<unknown>][] = [
      ['is being called', claimed],
      ['has been called', finished],
    ];

    beforeEach(() => sql`DELETE FROM timers`.execute(db));

    it.each(meanwhiles)(
      'get the answer of that by their record, also when what they changed %s',
      async (_name, meanwhile) => {
        const key = v7();
        await store.insertKeyed([named(key)]);
        const entry: KeyedTimer = { ...named(key), idempotency: idempotency(key) };
        const first = await tried(entry, { again: false });
        await meanwhile();

        const expected = {
          kind: 'replayed',
          answer: JSON.stringify({ kind: 'changed', id: (first as StoredTimer).timer.id }),
        };
        expect(await tried(entry, { again: true })).toEqual(expected);
        expect(await store.insertKeyed([{ ...named(key), idempotency: idempotency(key) }])).toEqual([expected]);
      },
    );

    it.each(meanwhiles)(
      'are left open without a record when what they may have changed %s',
      async (_name, meanwhile) => {
        const key = v7();
        await store.insertKeyed([named(key)]);
        const entry = named(key);
        await tried(entry, { again: false });
        await meanwhile();

        const refused = { kind: 'refused', refusal: { code: 'store_unavailable' } };
        expect(await tried(entry, { again: true })).toMatchObject(refused);
        expect(await store.find(entry.timer.id)).toBeUndefined();
      },
    );

    it('or not, are not taken for done by a record that the second try has made', async () => {
      const key = v7();
      await store.insertKeyed([named(key)]);
      await claimed();
      const entry: KeyedTimer = { ...named(key), idempotency: idempotency(key) };

      expect(await tried(entry, { again: true })).toMatchObject({ refusal: { code: 'store_unavailable' } });
      expect(await tried({ ...named(key), idempotency: idempotency(key) }, { again: false })).toMatchObject({
        refusal: { code: 'already_executing' },
      });
    });
  });

  it('that are being written hold up nobody but who brings the same ones', async () => {
    await store.insertKeyed([once('standing'), named('standing')]);
    const transaction = await open([once('b'), named('b'), once('standing'), named('standing')]);

    const others = ['a', 'bb', 'c', 'standing1', ''].flatMap((key) => [once(key), named(key)]);
    const { ms, value } = await timed(store.insertKeyed(others));
    expect(value?.every((result) => result.kind === 'created')).toBe(true);
    await store.insert(makeTimers(10));
    expect(await store.claim(claimOf({ limit: 5 }))).toHaveLength(5);
    expect(ms).toBeLessThan(1000);

    const same = store.insertKeyed([once('b')]);
    await transaction.rollback().execute();
    expect(await same).toMatchObject([{ kind: 'created' }]);
  });

  it('let replays wait for an insert under way, which they then see', async () => {
    const failed = ['one', 'many'].map((key) => named(key, { status: 'failed' }));
    await store.insertKeyed(failed);
    const transaction = await open(['one', 'many'].map((key) => named(key)));
    const [one, many] = failed.map(({ timer }) => timer) as [Timer, Timer];

    const replays = Promise.allSettled([
      store.change(one, replayOf(one)),
      store.replayAll([many.id], everyTimer, { dueAt: T0 }),
    ]);
    expect(await Promise.race([replays, delay(200, 'waits')])).toBe('waits');
    await transaction.commit().execute();

    expect(await replays).toMatchObject([{ reason: { code: 'superseded' } }, { value: 0 }]);
    for (const timer of [one, many]) expect(await store.find(timer.id)).toEqual(timer);
  });

  it('let an insert wait for a replay under way, whose timer it then changes', async () => {
    const failed = named('after', { status: 'failed' });
    await store.insertKeyed([failed]);
    const transaction = await db.startTransaction().execute();
    const tables = createKeyTables({ db: transaction, again: false });
    const given = { ids: [failed.timer.id], query: everyTimer, dueAt: T0 + 90_000 };
    expect(await replayAll(transaction, mysqlHints, tables, given)).toBe(1);

    const inserted = store.insertKeyed([named('after')]);
    expect(await Promise.race([inserted, delay(200, 'waits')])).toBe('waits');
    await transaction.commit().execute();

    expect(await inserted).toMatchObject([{ kind: 'changed', timer: { id: failed.timer.id } }]);
  });

  it('take no more statements for a thousand timers than for three, whatever becomes of them', async () => {
    const standing = (['waiting', 'done', 'executing'] as const).flatMap((status) =>
      Array.from({ length: 333 }, (_, index) => named(`${status} ${index}`, { status })),
    );
    await store.insertKeyed(standing);
    const countFor = async (of: KeyedTimer[]) => {
      const entries = of.map(({ timer: { key } }) => ({ ...named(key ?? ''), idempotency: idempotency(key ?? '') }));
      sent.length = 0;
      await (await open(entries)).rollback().execute();
      return sent.length;
    };

    const few = await countFor([0, 333, 666].flatMap((at) => standing.slice(at, at + 1)));

    expect(few).toBeLessThan(20);
    expect(await countFor(standing)).toBe(few);
  });

  it('keep the timers that they stand for, and no others, until the end of the transaction', async () => {
    const entries = Array.from({ length: 5 }, (_, index) => named(`held ${index}`));
    await store.insertKeyed(entries);
    const [held, free] = [entries.slice(1, 3), [...entries.slice(0, 1), ...entries.slice(3)]].map((some) =>
      some.map(({ timer }) => timer.id),
    );
    const transaction = await db.startTransaction().execute();
    const standing = await createKeyTables({ db: transaction, again: false }).holdTimers(held ?? []);
    expect(standing.map(({ id, status }) => [id, status])).toEqual(held?.map((id) => [id, 'waiting']));

    const lock = (id: string) =>
      queryServer(
        database.url,
        `SELECT id FROM timers WHERE id = UNHEX('${id.replaceAll('-', '')}') FOR UPDATE NOWAIT`,
      ).then(
        () => 'free',
        () => 'held',
      );
    expect(await Promise.all((held ?? []).map(lock))).toEqual(['held', 'held']);
    expect(await Promise.all((free ?? []).map(lock))).toEqual(['free', 'free', 'free']);
    await transaction.rollback().execute();
  });

  it.each([0, 5, MANY])('are looked up one by one, with %d of each', async (size) => {
    await fillKeys(size);
    await store.insertKeyed([named('busy', { status: 'executing', claimId: v7() })]);
    for (const count of [1, 200, 500]) {
      sent.length = 0;
      const entries = Array.from({ length: count }, (_, index) => [once(`key ${index}`), named(`key-${index}`)]).flat();
      // The key of one that is being executed: its record is made, and then deleted.
      entries.push({ ...named('busy'), idempotency: idempotency('busy') });
      await (await open(entries)).rollback().execute();
      await findByKey(db, { owner: null, key: 'key-1' });

      const looks = sent.filter(({ sql }) => /^\s*(select|update|delete)/i.test(sql));
      const plans = await Promise.all(looks.map((look) => explain(look)));
      expect(plans.flat().map(({ table }) => table)).toContain('t');
      expect(plans.flat().filter(({ table }) => table === 'k' || table === 'timer_keys').length).toBeGreaterThan(0);
      expect(plans.flat().filter(isNotByKey)).toEqual([]);
    }
  });

  async function fillKeys(count: number): Promise<void> {
    for (let from = 0; from < count; from += 1000) {
      const entries = Array.from({ length: Math.min(1000, count - from) }, (_, index) => [
        once(`standing ${from + index}`),
        named(`key-${from + index}`),
      ]);
      await store.insertKeyed(entries.flat());
    }
    await queryServer(database.url, 'ANALYZE TABLE timer_keys, idempotency_keys');
  }

  async function explain({ sql, parameters }: CompiledQuery) {
    const query = CompiledQuery.raw(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, [...parameters]);
    return (await db.executeQuery<{ table: string | null; type: string | null; key: string | null }>(query)).rows;
  }
});

const isNotByKey = ({ table, type, key }: { table: string | null; type: string | null; key: string | null }): boolean =>
  ['k', 't', 'timer_keys', 'timers'].includes(table ?? '') &&
  (key !== 'PRIMARY' || !['eq_ref', 'const', 'ref'].includes(type ?? ''));
