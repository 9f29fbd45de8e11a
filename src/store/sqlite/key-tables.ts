import { sql, type Kysely } from 'kysely';
import { toStanding, type KeyTables } from '../key-tables.ts';
import type { Database, IdempotencyKeyRow, TimerKeyRow, TimerRow } from '../schema.ts';
import { bytesToUuid, toHex, uuidToHex } from '../uuid-bytes.ts';
import { insertTimers } from './insert-timers.ts';

/** One writer at a time, so what is read within the transaction stands until its commit. */
export function createKeyTables({ db }: { db: Kysely<Database> }): KeyTables {
  return {
    async holdIdempotencyKeys(rows) {
      const standing: IdempotencyKeyRow[] = [];
      for (const row of rows) {
        await db
          .insertInto('idempotency_keys')
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        standing.push(
          await db
            .selectFrom('idempotency_keys')
            .selectAll()
            .where('owner', '=', row.owner)
            .where('idem_key', '=', row.idem_key)
            .executeTakeFirstOrThrow(),
        );
      }
      return standing;
    },
    async holdTimerKeys(rows) {
      const proposed = JSON.stringify(
        rows.map(({ owner, timer_key, timer_id }) => ({
          owner: toHex(owner),
          key: toHex(timer_key),
          id: toHex(timer_id),
        })),
      );
      // Without its WHERE, the ON would be read as that of a join.
      await sql`
        INSERT INTO timer_keys (owner, timer_key, timer_id)
        SELECT unhex(json_extract(value, '$.owner')), unhex(json_extract(value, '$.key')), unhex(json_extract(value, '$.id'))
          FROM json_each(${proposed}) WHERE true
            ON CONFLICT DO NOTHING`.execute(db);
      const standing = await sql<TimerKeyRow>`
        SELECT k.* FROM json_each(${proposed}) r
         CROSS JOIN timer_keys k ON k.owner = unhex(json_extract(r.value, '$.owner'))
                                AND k.timer_key = unhex(json_extract(r.value, '$.key'))`.execute(db);
      return standing.rows;
    },
    async holdTimers(ids) {
      const list = JSON.stringify(ids.map(uuidToHex));
      const { rows } = await sql<TimerRow>`
        SELECT id, status, claim_id, fence, run, attempts, lost, created_at
          FROM timers WHERE id IN (SELECT unhex(value) FROM json_each(${list}))`.execute(db);
      return rows.map((row) => toStanding(bytesToUuid(row.id), row));
    },
    async writeIdempotencyKeys(rows) {
      for (const { owner, idem_key, ...columns } of rows) {
        await db
          .updateTable('idempotency_keys')
          .set(columns)
          .where('owner', '=', owner)
          .where('idem_key', '=', idem_key)
          .execute();
      }
    },
    async removeIdempotencyKeys(keys) {
      for (const { owner, idem_key } of keys) {
        await db.deleteFrom('idempotency_keys').where('owner', '=', owner).where('idem_key', '=', idem_key).execute();
      }
    },
    async writeTimerKeys(rows) {
      for (const { owner, timer_key, timer_id } of rows) {
        await db
          .updateTable('timer_keys')
          .set({ timer_id })
          .where('owner', '=', owner)
          .where('timer_key', '=', timer_key)
          .execute();
      }
    },
    async changeTimers(rows) {
      for (const { id, ...columns } of rows) await db.updateTable('timers').set(columns).where('id', '=', id).execute();
    },
    insertTimers: (rows) => insertTimers(db, rows),
  };
}
