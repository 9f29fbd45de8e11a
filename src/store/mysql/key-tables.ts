import { CompiledQuery, sql, type Kysely } from 'kysely';
import { toStanding, type KeyTables } from '../key-tables.ts';
import type { StandingTimer } from '../keyed-plan.ts';
import type { Database, IdempotencyKeyRow, TimerKeyRow, TimerRow } from '../schema.ts';
import { uuidToBytes } from '../uuid-bytes.ts';
import { insertRows } from './insert.ts';

const MAX_STATEMENT_BYTES = 4 * 1024 * 1024;
const ROW_BYTES = 1024;

/**
 * Under READ COMMITTED a duplicate of the primary key is locked by itself, without the gap before it; the idle update only
 * serves to wait for that lock and keep it. The reads join row by row: for a long IN MySQL walks the whole of a small table.
 */
export function createKeyTables({ db, again }: { db: Kysely<Database>; again: boolean }): KeyTables {
  /** mysql2 spells out the nested arrays. */
  async function insertOrLock(table: string, rows: object[]): Promise<void> {
    const columns = Object.keys(rows[0] ?? {}).join(', ');
    const values = rows.map((row) => Object.values(row) as unknown[]);
    const text = `INSERT INTO ${table} (${columns}) VALUES ? ON DUPLICATE KEY UPDATE timer_id = timer_id`;
    await db.executeQuery(CompiledQuery.raw(text, [values]));
  }

  return {
    async holdIdempotencyKeys(rows) {
      for (const chunk of chunks(rows)) await insertOrLock('idempotency_keys', chunk);
      const keys = rows.map(({ owner, idem_key }) => ({ owner: hex(owner), name: hex(idem_key) }));
      const found = await sql<IdempotencyKeyRow>`
        SELECT k.* FROM ${keyList(keys)}
          STRAIGHT_JOIN idempotency_keys k FORCE INDEX (PRIMARY)
            ON k.owner = UNHEX(r.owner) AND k.idem_key = UNHEX(r.name)`.execute(db);
      return found.rows;
    },
    async holdTimerKeys(rows) {
      await insertOrLock('timer_keys', rows);
      const keys = rows.map(({ owner, timer_key }) => ({ owner: hex(owner), name: hex(timer_key) }));
      const found = await sql<TimerKeyRow>`
        SELECT k.* FROM ${keyList(keys)}
          STRAIGHT_JOIN timer_keys k FORCE INDEX (PRIMARY)
            ON k.owner = UNHEX(r.owner) AND k.timer_key = UNHEX(r.name)`.execute(db);
      return found.rows;
    },
    async holdTimers(ids) {
      const standing: StandingTimer[] = [];
      // One by one: MySQL takes no JSON_TABLE in a locking read, and for a long IN it would lock a small table as a whole.
      for (const id of ids) {
        const { rows } = await sql<TimerRow>`
          SELECT status, claim_id, fence, run, attempts, lost, created_at
            FROM timers FORCE INDEX (PRIMARY) WHERE id = ${uuidToBytes(id)} FOR UPDATE`.execute(db);
        standing.push(...rows.map((row) => toStanding(id, row)));
      }
      return standing;
    },
    insertTimers: (rows) => insertRows(db, rows, again),
  };
}

const keyList = (keys: { owner: string; name: string }[]) => sql`
  JSON_TABLE(${JSON.stringify(keys)}, '$[*]' COLUMNS (
    owner VARCHAR(128) PATH '$.owner', name VARCHAR(510) PATH '$.name')) r`;

function* chunks(rows: IdempotencyKeyRow[]): Generator<IdempotencyKeyRow[]> {
  let chunk: IdempotencyKeyRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += ROW_BYTES + 2 * row.answer.length;
    if (chunk.length > 0 && bytes > MAX_STATEMENT_BYTES) {
      yield chunk;
      [chunk, bytes] = [[], 0];
    }
    chunk.push(row);
  }
  if (chunk.length > 0) yield chunk;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
