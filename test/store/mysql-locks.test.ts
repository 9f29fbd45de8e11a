import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { claim } from '../../src/store/mysql/claim.ts';
import { insertRows } from '../../src/store/mysql/insert.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { toRow } from '../../src/store/timer-row.ts';
import type { TimerStore } from '../../src/timers/index.ts';
import { createDatabase, queryServer, type TestDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { claimOf, makeTimer, makeTimers, T0 } from '../support/timers.ts';
import { connectTo, isolationOf, KINDS, type Db } from './mysql-under-test.ts';

/** MariaDB tells of transactions what was so 0.1 s ago. */
const STALE_MS = 150;

describe.each(KINDS)('A claim on %s', (kind) => {
  let database: TestDatabase;
  let store: TimerStore;
  let first: Db;
  let second: Db;

  beforeEach(async () => {
    database = await createDatabase(kind);
    const settings = mysqlSettings(database.url);
    store = await openMysqlStore(settings);
    [first, second] = [connectTo(settings), connectTo(settings)];
  });
  afterEach(async () => {
    await Promise.all([store.close(), first.destroy(), second.destroy()]);
    await database.drop();
  });

  /** The claim's own statements in a transaction that stays open, as long as the test needs it. */
  async function openClaim(db: Db, query = claimOf()) {
    const transaction = await db.startTransaction().execute();
    const rows = await claim(transaction, query, 'FOR UPDATE SKIP LOCKED');
    return { transaction, ids: rows.map(({ id }) => id) };
  }

  /** Inserts into the very range that the claim looked through. */
  const insertInto = (db: Db) => insertRows(db, [toRow(makeTimer())], false);

  it('that finds nothing blocks no insert', async () => {
    await store.insert(makeTimers(20, (index) => ({ dueAt: T0 + 3_600_000 + index })));

    const { transaction, ids } = await openClaim(first);
    await insertInto(second);

    expect(ids).toEqual([]);
    await transaction.rollback().execute();
  });

  it('that finds nothing would block every insert under REPEATABLE READ', async () => {
    await store.insert(makeTimers(20, (index) => ({ dueAt: T0 + 3_600_000 + index })));
    await sql`SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ`.execute(first);
    await sql`SET SESSION innodb_lock_wait_timeout = 1`.execute(second);

    const { transaction } = await openClaim(first);

    await expect(insertInto(second)).rejects.toMatchObject({ errno: 1205 });
    await transaction.rollback().execute();
  });

  it.each([1, 3, 100])('locks two records a row and no more than one row past its end (%d rows)', async (limit) => {
    await store.insert(makeTimers(500, (index) => ({ dueAt: T0 + index })));

    const { transaction, ids } = await openClaim(first, claimOf({ limit }));
    await delay(STALE_MS);
    const [told] = await queryServer(
      database.url,
      `SELECT trx_rows_locked AS locked FROM information_schema.innodb_trx
        WHERE trx_mysql_thread_id IN (SELECT id FROM information_schema.processlist WHERE db = '${database.name}')`,
    );

    expect(ids).toHaveLength(limit);
    expect(Number(told?.locked)).toBeGreaterThanOrEqual(2 * limit);
    expect(Number(told?.locked)).toBeLessThanOrEqual(2 * limit + 2);
    await transaction.rollback().execute();
  });

  it('takes rows past those of a claim that is still open, without waiting for it', async () => {
    const timers = makeTimers(9, (index) => ({ dueAt: T0 + index }));
    await store.insert(timers);

    const one = await openClaim(first, claimOf({ limit: 3 }));
    const other = await openClaim(second, claimOf({ limit: 3 }));

    expect([...one.ids, ...other.ids].sort()).toEqual(timers.slice(0, 6).map(({ id }) => id));
    await one.transaction.commit().execute();
    await other.transaction.commit().execute();
  });

  it('runs under READ COMMITTED on every connection, also on those that take the place of lost ones', async () => {
    const pool = connectTo(mysqlSettings(database.url), { size: 3 });
    expect(await isolationOfEach(pool, 3)).toEqual(Array(3).fill('READ-COMMITTED'));

    const others = () =>
      queryServer(
        database.url,
        `SELECT id FROM information_schema.processlist WHERE db = '${database.name}' AND id <> CONNECTION_ID()`,
      );
    for (const { id } of await others()) await queryServer(database.url, `KILL ${String(id)}`);
    await eventually(async () => (await others()).length === 0);

    expect(await isolationOfEach(pool, 3)).toEqual(Array(3).fill('READ-COMMITTED'));
    await pool.destroy();
  });

  /** Of as many connections, all of them held at the same time. */
  async function isolationOfEach(pool: Db, count: number): Promise<string[]> {
    const transactions = await Promise.all(Array.from({ length: count }, () => pool.startTransaction().execute()));
    const levels = await Promise.all(transactions.map(isolationOf));
    await Promise.all(transactions.map((transaction) => transaction.rollback().execute()));
    return levels;
  }
});
