import { describe, expect } from '@jest/globals';
import { sql } from 'kysely';
import { createConnection } from 'mysql2/promise';
import { claim, pulse } from '../../src/store/mysql/claim.ts';
import { insertRows } from '../../src/store/mysql/insert.ts';
import { recordResults } from '../../src/store/mysql/record.ts';
import { toResultRows } from '../../src/store/result-rows.ts';
import { toRow } from '../../src/store/timer-row.ts';
import { claimOf, makeTimers, pulseOf, resultOf, T0 } from '../support/timers.ts';
import type { DatabaseServer } from '../support/database-server.ts';
import { itOnBoth, withFaultyStore } from './fault-rig.ts';
import { connectTo, type Db, type Kind } from './mysql-under-test.ts';

const FIRES = process.env.TEST_FULL === '1' ? 200_000 : 20_000;
const BATCH = 500;
/** More than an index page of 16 KiB has; MariaDB reads several pages an entry. */
const ENTRIES_PER_PAGE = 400;
const LEASE_MS = 9e9;
/** A fire a millisecond: the hot end of the index moves on as it does in life. */
const dueOf = (index: number) => T0 + 3_600_000 + index;

/** The servers must have nothing else to do: what is measured is what they read. */
export function describeUndoHistory(servers: Map<Kind, DatabaseServer>): void {
  describe('While a backup keeps undo history from being purged', () => {
    itOnBoth(`a look and a claim that begin at a floor cost the same after ${FIRES} fires`, (kind) =>
      withFaultyStore(servers.get(kind), async ({ direct, database }) => {
        const db = connectTo(direct);
        const backup = await createConnection(database.url);
        try {
          await backup.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
          await backup.query('SELECT COUNT(*) FROM timers');
          await fire(db, 0, BATCH);
          const before = await leastCostOfPass(db, BATCH);

          await fire(db, 2 * BATCH, FIRES);
          const bounded = await leastCostOfPass(db, FIRES);
          const unbounded = await costOfPass(db, FIRES + BATCH, 0);

          expect(bounded).toBeLessThan(3 * before);
          expect(unbounded).toBeGreaterThan(bounded + FIRES / ENTRIES_PER_PAGE);
        } finally {
          backup.destroy();
          await db.destroy();
        }
      }),
    );
  });
}

/** Has everything between two instants inserted, claimed and recorded. */
async function fire(db: Db, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += BATCH) {
    await insertRows(db, makeTimers(BATCH, (index) => ({ dueAt: dueOf(first + index) })).map(toRow), false);
    const claimed = await take(db, dueOf(first), dueOf(first + BATCH), BATCH);
    await recordResults(db, toResultRows(claimed.map((row) => resultOf(row))));
  }
}

/** Every claim has a lease of its own, as in life; all of them end long after the test. */
const take = (db: Db, wakeFrom: number, wakeTo: number, limit: number) =>
  claim(db, claimOf({ wakeFrom, wakeTo, limit, leaseEndsAt: wakeTo + LEASE_MS }), 'FOR UPDATE SKIP LOCKED');

/** Of three, because the server has work of its own to do. */
async function leastCostOfPass(db: Db, from: number): Promise<number> {
  const costs: number[] = [];
  for (let index = from; index < from + 3; index++) costs.push(await costOfPass(db, index, index));
  return Math.min(...costs);
}

/** Pages looked at by a pass that finds one row, `dueIndex`, when it looks from `floorIndex` on. */
async function costOfPass(db: Db, dueIndex: number, floorIndex: number): Promise<number> {
  await insertRows(db, makeTimers(1, () => ({ dueAt: dueOf(dueIndex) })).map(toRow), false);
  const floor = dueOf(floorIndex);
  const before = await pagesRead(db);
  const query = pulseOf({ freshFrom: floor, freshTo: dueOf(dueIndex) + 1, backlogFrom: floor, leasesFrom: T0 });
  expect(await pulse(db, query)).toMatchObject({ fresh: dueOf(dueIndex) });
  expect(await take(db, floor, dueOf(dueIndex) + 1, 1)).toHaveLength(1);
  return (await pagesRead(db)) - before;
}

async function pagesRead(db: Db): Promise<number> {
  const { rows } = await sql<{
    Value: string;
  }>`SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_read_requests'`.execute(db);
  return Number(rows[0]?.Value);
}
