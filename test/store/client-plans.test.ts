import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CompiledQuery, Kysely } from 'kysely';
import { v7 } from 'uuid';
import { cancelAll } from '../../src/store/cancel-all.ts';
import { changeTimer } from '../../src/store/change-timer.ts';
import { erasePayload } from '../../src/store/erase-payload.ts';
import { findFinished } from '../../src/store/finished-timers.ts';
import { mysqlHints, sqliteHints, type IndexHints } from '../../src/store/index-hints.ts';
import { listTimers } from '../../src/store/list-timers.ts';
import { attemptsOf } from '../../src/store/logged-attempts.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import * as mysqlKeys from '../../src/store/mysql/key-tables.ts';
import * as mysqlPurge from '../../src/store/mysql/purge.ts';
import { replayAll } from '../../src/store/replay.ts';
import type { Database } from '../../src/store/schema.ts';
import { openConnection } from '../../src/store/sqlite/connection.ts';
import { createSqliteDialect } from '../../src/store/sqlite/dialect.ts';
import * as sqliteKeys from '../../src/store/sqlite/key-tables.ts';
import * as sqlitePurge from '../../src/store/sqlite/purge.ts';
import { toRow } from '../../src/store/timer-row.ts';
import type { TimerQuery } from '../../src/timers/index.ts';
import { createDatabase, queryServer } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { makeTimer, T0 } from '../support/timers.ts';
import { everyTimer } from './contract-changes.ts';
import { explainRun, type PlanRow } from './explain.ts';
import { fillTimers } from './many-timers.ts';
import { connectTo, KINDS, type Db } from './mysql-under-test.ts';

const SIZES = [0, 5, process.env.TEST_FULL === '1' ? 200_000 : 20_000];
const POSITION = { id: v7(), wakeAt: T0 + 70_000, owner: 'owner-3' };

/** Each with the only index that its walk may take. */
const LISTS: [string, Partial<TimerQuery>, string][] = [
  ['of all timers', {}, 'PRIMARY'],
  ['of an owner', { owner: 'owner-3' }, 'listed'],
  ['of nobody', { owner: null }, 'listed'],
  ['by label', { label: 'common' }, 'labelled'],
  ['of an owner by label', { label: 'common', owner: 'owner-3' }, 'labelled'],
  ['of what waits', { status: 'waiting' }, 'wake'],
  ['of what is due in a while', { status: 'waiting', wakeFrom: T0 + 60_000, wakeTo: T0 + 90_000 }, 'wake'],
  ['of what is done', { status: 'done', owner: 'owner-3' }, 'wake'],
];

const ids = (count: number) => Array.from({ length: count }, () => v7());
const purges = { mysql: mysqlPurge, sqlite: sqlitePurge };

const keyTables = {
  mysql: (db: Db) => mysqlKeys.createKeyTables({ db, again: false }),
  sqlite: (db: Db) => sqliteKeys.createKeyTables({ db }),
};

/** Of timers with keys, without which it would end after its first look. */
async function replayFailed(db: Db, hints: IndexHints, engine: 'mysql' | 'sqlite', count: number): Promise<void> {
  const failed = Array.from({ length: count }, () => makeTimer({ key: v7(), status: 'failed' }));
  await keyTables[engine](db).insertTimers(failed.map(toRow));
  const given = { ids: failed.map(({ id }) => id), query: everyTimer, dueAt: T0 };
  expect(await replayAll(db, hints, keyTables[engine](db), given)).toBe(count);
}

/** By the store's own code, so that what is explained is what is sent. */
const OTHERS: [string, (db: Db, hints: IndexHints, engine: 'mysql' | 'sqlite') => Promise<unknown>, string][] = [
  [
    'a change',
    (db, hints) => changeTimer(db, hints, { seen: makeTimer(), change: { run: 1 }, again: false }),
    'PRIMARY',
  ],
  ['a cancellation', (db, hints) => cancelAll(db, hints, { ids: ids(500), query: everyTimer, now: T0 }), 'PRIMARY'],
  ['a replay', (db, hints, engine) => replayFailed(db, hints, engine, 500), 'PRIMARY'],
  ['an erasure', (db, hints) => erasePayload(db, hints, v7()), 'PRIMARY'],
  ['a look for the finished', (db, hints) => findFinished(db, hints, ids(1000)), 'PRIMARY'],
  ['the attempts of a timer', (db) => attemptsOf(db, { id: v7(), afterFence: 3, limit: 51 }), 'PRIMARY'],
  [
    'a purge',
    (db, _hints, engine) =>
      purges[engine].purgeTimers(db, { status: 'done', from: 0, before: T0 + 61_000, limit: 500 }),
    'wake',
  ],
  [
    'a purge of idempotency keys',
    (db, _hints, engine) => purges[engine].purgeIdempotencyKeys(db, { from: 0, before: T0, limit: 500 }),
    'expires',
  ],
];

const FILL_KEYS = [
  'INSERT INTO timer_keys SELECT owner, HEX(id), id FROM timers',
  `INSERT INTO idempotency_keys SELECT owner, HEX(id), id, REPEAT('x', 32), '{}', wake_at FROM timers`,
];
const ANALYZE = 'ANALYZE TABLE timers, timer_keys, idempotency_keys';

describe.each(KINDS)('On %s', (kind) => {
  describe.each(SIZES)('with %d timers', (size) => {
    const sent: CompiledQuery[] = [];
    let db: Db;
    let drop: () => Promise<void>;

    beforeAll(async () => {
      const database = await createDatabase(kind);
      const settings = mysqlSettings(database.url);
      await (await openMysqlStore(settings)).close();
      for (const statement of size === 0 ? [] : fillTimers('mysql', size)) await queryServer(database.url, statement);
      for (const statement of [...FILL_KEYS, ANALYZE]) await queryServer(database.url, statement);
      db = connectTo(settings, { sent });
      drop = () => database.drop();
    }, 60_000);
    afterAll(async () => {
      await db.destroy();
      await drop();
    });

    it.each(LISTS)('a list %s walks its own index in its own order', async (_name, over, index) => {
      for (const after of [null, POSITION]) {
        const rows = await plansOf((db) =>
          listTimers(db, mysqlHints, { query: { ...everyTimer, ...over }, after, limit: 50 }),
        );
        expect(rows.length).toBeGreaterThan(0);
        expect(rows.filter((row) => isWrong(row, { index, size }))).toEqual([]);
      }
    });

    it('a list by status under a rare label reads the timers of that label alone', async () => {
      const query = { ...everyTimer, status: 'waiting', label: 'rare-7', owner: 'owner-4' } as const;
      const rows = await plansOf((db) => listTimers(db, mysqlHints, { query, after: POSITION, limit: 50 }));
      for (const { key, type } of rows.filter(readsTimers)) expect([key, type]).toEqual(['labelled', 'ref']);
    });

    it.each(OTHERS)('%s takes short ranges', async (_name, run, index) => {
      const rows = await plansOf((db) => run(db, mysqlHints, 'mysql'));
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter((row) => isWrong(row, { index, size }))).toEqual([]);
    });

    it('a replay of many takes as many statements as one of a few', async () => {
      const countOf = async (count: number) =>
        (await explainRun(db, sent, (db) => replayFailed(db, mysqlHints, 'mysql', count))).length;
      expect(await countOf(500)).toBe(await countOf(2));
    });

    async function plansOf(run: (db: Db) => Promise<unknown>): Promise<PlanRow[]> {
      return (await explainRun(db, sent, run)).flatMap(({ rows }) => rows);
    }
  });
});

const readsTimers = ({ table }: PlanRow) => table === 'timers' || table === 't';
const RANGES = new Set(['range', 'ref', 'ref_or_null', 'eq_ref', 'const']);

/** In a table of a few rows the servers walk the index from its beginning, or sort what they found there. */
const FEW = 5;

/** What a walk has found is sorted before its rows are read; what an index holds is never. */
function isWrong(row: PlanRow, { index, size }: { index: string; size: number }): boolean {
  const { table, type, key, Extra, select_type } = row;
  const isFound = table === null || /^<|^(edge|walked|r)$/.test(table);
  if (isFound || select_type === 'INSERT') return false;
  if (!['PRIMARY', index].includes(key ?? (type === 'const' ? 'PRIMARY' : ''))) return true;
  if (size <= FEW) return false;
  // From the newest on: the first entries of the whole index, and no more of them than a step takes.
  const isFromTheEnd = type === 'index' && key === 'PRIMARY' && index === 'PRIMARY';
  return /filesort|temporary/.test(Extra ?? '') || !(RANGES.has(type ?? '') || isFromTheEnd);
}

describe('On SQLite', () => {
  const sent: CompiledQuery[] = [];
  let db: Kysely<Database>;
  beforeAll(async () => {
    const connection = await openConnection(':memory:');
    db = new Kysely<Database>({
      dialect: createSqliteDialect(connection),
      log: ({ query }) => void sent.push(query),
    });
    await migrate(db, 'sqlite');
  });
  afterAll(() => db.destroy());

  it('a replay of many takes as many statements as one of a few', async () => {
    const countOf = async (count: number) => {
      sent.length = 0;
      await replayFailed(db, sqliteHints, 'sqlite', count);
      return sent.filter(({ sql }) => !sql.startsWith('INSERT INTO timers')).length;
    };
    expect(await countOf(500)).toBe(await countOf(2));
  });

  it.each([
    ...LISTS.map(
      ([name, over]) =>
        [
          `a list ${name}`,
          (hints: IndexHints) =>
            listTimers(db, hints, { query: { ...everyTimer, ...over }, after: POSITION, limit: 50 }),
        ] as const,
    ),
    ...OTHERS.map(([name, run]) => [name, (hints: IndexHints) => run(db, hints, 'sqlite')] as const),
  ])('%s scans nothing', async (_name, run) => {
    sent.length = 0;
    await run(sqliteHints);
    const details: string[] = [];
    for (const { sql, parameters } of sent.filter(({ sql: text }) => /\b(FROM|UPDATE|from)\b/.test(text))) {
      const explained = CompiledQuery.raw(`EXPLAIN QUERY PLAN ${sql}`, [...parameters]);
      details.push(...(await db.executeQuery<{ detail: string }>(explained)).rows.map(({ detail }) => detail));
    }

    expect(details.length).toBeGreaterThan(0);
    expect(details.filter((detail) => /^SCAN (timers|t|attempts|idempotency_keys)\b(?!.*USING)/.test(detail))).toEqual(
      [],
    );
  });
});
