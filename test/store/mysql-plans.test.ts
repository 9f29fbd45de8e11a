import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CompiledQuery } from 'kysely';
import { v7 } from 'uuid';
import { expireSends, markSends } from '../../src/store/mysql/at-most-once.ts';
import { claim, pulse, releaseClaim } from '../../src/store/mysql/claim.ts';
import { insertRows } from '../../src/store/mysql/insert.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { bringForward, findLost, recordResults } from '../../src/store/mysql/record.ts';
import { toResultRows } from '../../src/store/result-rows.ts';
import { toRow } from '../../src/store/timer-row.ts';
import { createDatabase, queryServer, type TestDatabase } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { claimOf, makeTimer, makeTimers, pulseOf, resultOf, T0 } from '../support/timers.ts';
import { explain, type PlanRow } from './explain.ts';
import { connectTo, KINDS, type Db } from './mysql-under-test.ts';

const LARGE = process.env.TEST_FULL === '1' ? 200_000 : 20_000;
const SKIPPING = 'FOR UPDATE SKIP LOCKED';
const BATCH_SIZES = [1, 200, 500];
const held = (count: number) => Array.from({ length: count }, () => ({ id: v7(), claimId: v7() }));
const results = (count: number, status: 'done' | 'failed') =>
  toResultRows(held(count).map((row) => resultOf(row, { status })));

/** Each runs the store's own code, so that what is explained is what is sent. */
const HOT: Record<string, { index: 'wake' | 'PRIMARY'; run: (db: Db, count: number) => Promise<unknown> }> = {
  'a look at what there is to do': { index: 'wake', run: (db) => pulse(db, pulseOf()) },
  'a claim': { index: 'wake', run: (db, limit) => claim(db, claimOf({ limit }), SKIPPING) },
  'a take-over': { index: 'wake', run: (db, limit) => claim(db, claimOf({ from: 'executing', limit }), SKIPPING) },
  'a claim handed back': { index: 'wake', run: (db) => releaseClaim(db, { ...claimOf(), now: T0 }) },
  'the marking of sends': { index: 'PRIMARY', run: (db, count) => markSends(db, held(count), T0) },
  'the end of marked sends': {
    index: 'wake',
    run: (db, limit) => expireSends(db, { wakeFrom: T0 - 2000, wakeTo: T0, limit, now: T0 }, SKIPPING),
  },
  'a record of successes': { index: 'PRIMARY', run: (db, count) => recordResults(db, results(count, 'done')) },
  'a record of other outcomes': { index: 'PRIMARY', run: (db, count) => recordResults(db, results(count, 'failed')) },
  'the search for lost claims': { index: 'PRIMARY', run: (db, count) => findLost(db, results(count, 'failed')) },
  'checks brought forward': { index: 'PRIMARY', run: (db, count) => bringForward(db, results(count, 'done')) },
  'a repeated insert': {
    index: 'PRIMARY',
    async run(db, count) {
      const transaction = await db.startTransaction().execute();
      await insertRows(transaction, makeTimers(count).map(toRow), true);
      await transaction.rollback().execute();
    },
  },
};

/** Ways to one row or to a contiguous range; a whole index or table is not among them. */
const RANGES = new Set(['range', 'ref', 'eq_ref', 'const']);

describe.each(KINDS)('On %s', (kind) => {
  describe.each([0, 5, LARGE])('with %d timers', (size) => {
    let database: TestDatabase;
    let db: Db;
    const sent: CompiledQuery[] = [];

    beforeAll(async () => {
      database = await createDatabase(kind);
      const settings = mysqlSettings(database.url);
      const store = await openMysqlStore(settings);
      await store.close();
      db = connectTo(settings, { sent });
      await fill(db, size);
    }, 60_000);
    afterAll(async () => {
      await db.destroy();
      await database.drop();
    });

    describe.each(['as first met', 'analyzed'])('%s,', (statistics) => {
      beforeAll(async () => {
        if (statistics === 'analyzed') await queryServer(database.url, 'ANALYZE TABLE timers, attempts');
      });

      it.each(Object.entries(HOT))('%s walks a short range of its index', async (_, { index, run }) => {
        for (const count of BATCH_SIZES) {
          sent.length = 0;
          await run(db, count);
          const plans = await explain(db, [...sent]);

          expect(plans.length).toBeGreaterThan(0);
          expect(plans.flatMap(({ sql, rows }) => rows.filter(isNotShort(index)).map((row) => ({ sql, row })))).toEqual(
            [],
          );
        }
      });
    });
  });
});

/** Told where no table is read: a single dive for the least, or nothing there. */
const NO_TABLE = /optimized away|No matching min\/max row|no matching row|No tables used/;

const isNotShort = (index: string) => (row: PlanRow) => {
  if (/filesort/.test(row.Extra ?? '')) return true;
  if (row.type === null) return !NO_TABLE.test(row.Extra ?? '');
  if ((row.table !== 'timers' && row.table !== 't') || row.select_type === 'INSERT') return false;
  // What the first table of a claim found is joined by primary key.
  return !RANGES.has(row.type) || !['PRIMARY', index].includes(row.key ?? '');
};

/** Timers of every status around `T0`, made by the server. */
async function fill(db: Db, count: number): Promise<void> {
  if (count === 0) return;
  await insertRows(db, [toRow(makeTimer())], false);
  const columns = Object.keys(toRow(makeTimer()));
  const made: Record<string, string> = {
    id: 'UNHEX(LEFT(SHA2(n, 256), 32))',
    status:
      "ELT(1 + n % 10, 'executing', 'done', 'done', 'failed', 'waiting', 'waiting', 'waiting', 'waiting', 'waiting', 'waiting')",
    wake_at: `${T0} - 60000 + n * 10`,
    claim_id: 'UNHEX(LEFT(SHA2(-n, 256), 32))',
  };
  const digit =
    '(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)';
  const numbers = Array.from(String(count), (_, index) => `${digit} d${index}`).join(', ');
  const n = Array.from(String(count), (_, index) => `d${index}.d * ${10 ** index}`).join(' + ');
  await db.executeQuery(
    CompiledQuery.raw(`
      INSERT INTO timers (${columns.join(', ')})
      SELECT ${columns.map((column) => made[column] ?? `t.${column}`).join(', ')}
        FROM (SELECT ${n} AS n FROM ${numbers}) numbers, timers t
       WHERE n < ${count - 1}`),
  );
}
