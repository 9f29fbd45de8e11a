import { CompiledQuery, sql, type Kysely } from 'kysely';
import { toStanding, type IdempotencyKeyName, type KeyTables } from '../key-tables.ts';
import type { Database, IdempotencyKeyRow, TimerKeyRow, TimerRow } from '../schema.ts';
import { bytesToUuid, toHex, uuidToBytes } from '../uuid-bytes.ts';
import { chunksOf } from './chunks-of.ts';
import { insertRows, replaceRows } from './insert.ts';
import { idTable, jsonTable } from './json-table.ts';

/**
 * Under READ COMMITTED a duplicate of the primary key is locked by itself, without the gap before it; the idle updates only
 * serve to wait for a lock and keep it. What is held is replaced: as long as no other key is unique, the servers write that
 * into the row's place. A batch is as few statements as possible, for each costs the way to the server and back.
 */
export function createKeyTables({ db, again }: { db: Kysely<Database>; again: boolean }): KeyTables {
  /** mysql2 spells out the nested arrays. */
  async function write(verb: 'INSERT' | 'REPLACE', table: string, rows: object[], onDuplicate = ''): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    const columns = Object.keys(first).join(', ');
    const values = rows.map((row) => Object.values(row) as unknown[]);
    await db.executeQuery(CompiledQuery.raw(`${verb} INTO ${table} (${columns}) VALUES ? ${onDuplicate}`, [values]));
  }

  const insertOrLock = (table: string, rows: object[]) =>
    write('INSERT', table, rows, 'ON DUPLICATE KEY UPDATE timer_id = timer_id');

  return {
    async holdIdempotencyKeys(rows) {
      for (const chunk of chunksOf(rows, sizeOf)) await insertOrLock('idempotency_keys', chunk);
      const found = await sql<IdempotencyKeyRow>`SELECT k.* FROM ${idempotencyKeys(rows)}`.execute(db);
      return found.rows;
    },
    async holdTimerKeys(rows) {
      await insertOrLock('timer_keys', rows);
      const found = await sql<TimerKeyRow>`
        SELECT k.* FROM ${keyTable(rows.map(({ owner, timer_key }) => [owner, timer_key]))}
          STRAIGHT_JOIN timer_keys k FORCE INDEX (PRIMARY)
            ON k.owner = UNHEX(r.owner) AND k.timer_key = UNHEX(r.name)`.execute(db);
      return found.rows;
    },
    async holdTimers(ids) {
      const held = sql`
        ${idTable(ids.map(uuidToBytes))}
        STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = UNHEX(r.id)`;
      // MySQL takes no JSON_TABLE in a locking read.
      await sql`UPDATE ${held} SET t.run = t.run`.execute(db);
      const { rows } = await sql<TimerRow>`
        SELECT t.id, t.status, t.claim_id, t.fence, t.run, t.attempts, t.lost, t.created_at FROM ${held}`.execute(db);
      return rows.map((row) => toStanding(bytesToUuid(row.id), row));
    },
    async writeIdempotencyKeys(rows) {
      for (const chunk of chunksOf(rows, sizeOf)) await write('REPLACE', 'idempotency_keys', chunk);
    },
    async removeIdempotencyKeys(keys) {
      if (keys.length > 0) await sql`DELETE k FROM ${idempotencyKeys(keys)}`.execute(db);
    },
    writeTimerKeys: (rows) => write('REPLACE', 'timer_keys', rows),
    changeTimers: (rows) => replaceRows(db, rows),
    insertTimers: (rows) => insertRows(db, rows, again),
  };
}

const idempotencyKeys = (keys: IdempotencyKeyName[]) => sql`
  ${keyTable(keys.map(({ owner, idem_key }) => [owner, idem_key]))}
  STRAIGHT_JOIN idempotency_keys k FORCE INDEX (PRIMARY)
    ON k.owner = UNHEX(r.owner) AND k.idem_key = UNHEX(r.name)`;

const keyTable = (keys: [owner: Uint8Array, name: Uint8Array][]) =>
  jsonTable(
    { owner: 'VARCHAR(128)', name: 'VARCHAR(510)' },
    keys.map((key) => key.map(toHex)),
  );

const sizeOf = (row: IdempotencyKeyRow): number => 2 * row.answer.length;
