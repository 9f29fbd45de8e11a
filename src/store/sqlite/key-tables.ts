import { CompiledQuery, sql, type Kysely } from 'kysely';
import { toStanding, type KeyTables } from '../key-tables.ts';
import type { Database, IdempotencyKeyRow, TimerKeyRow, TimerRow } from '../schema.ts';
import { bytesToUuid, uuidToBytes } from '../uuid-bytes.ts';
import { insertTimer } from './statements.ts';

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
      const standing: TimerKeyRow[] = [];
      for (const row of rows) {
        await db
          .insertInto('timer_keys')
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        standing.push(
          await db
            .selectFrom('timer_keys')
            .selectAll()
            .where('owner', '=', row.owner)
            .where('timer_key', '=', row.timer_key)
            .executeTakeFirstOrThrow(),
        );
      }
      return standing;
    },
    async holdTimers(ids) {
      const list = JSON.stringify(ids.map((id) => uuidToBytes(id).toString('hex')));
      const { rows } = await sql<TimerRow>`
        SELECT id, status, claim_id, fence, run, attempts, created_at
          FROM timers WHERE id IN (SELECT unhex(value) FROM json_each(${list}))`.execute(db);
      return rows.map((row) => toStanding(bytesToUuid(row.id), row));
    },
    async insertTimers(rows) {
      for (const row of rows) {
        const text = insertTimer(Object.keys(row) as (keyof TimerRow)[]);
        await db.executeQuery(CompiledQuery.raw(text, Object.values(row)));
      }
    },
  };
}
