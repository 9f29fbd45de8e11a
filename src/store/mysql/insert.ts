import { CompiledQuery, sql, type Kysely } from 'kysely';
import type { Database, TimerRow } from '../schema.ts';
import { isDuplicateKey } from './errors.ts';

/** A statement stays far below the smallest usual max_allowed_packet (16 MiB), also with its bytes spelled in hex. */
const MAX_STATEMENT_BYTES = 4 * 1024 * 1024;
const ROW_BYTES = 1024;
const MAX_STATEMENT_ROWS = 1000;

/**
 * Multi-row INSERTs. `again` says that an earlier try may have been committed though its answer was lost; the ids are
 * ours, so a row that is there already is that one. Two tries can overlap on the server, hence the same for a duplicate.
 */
export async function insertRows(db: Kysely<Database>, rows: TimerRow[], again: boolean): Promise<void> {
  for (const chunk of chunks(rows)) {
    if (again) await insertMissing(db, chunk);
    else
      await insertAll(db, chunk).catch((error: unknown) => {
        if (!isDuplicateKey(error)) throw error;
        return insertMissing(db, chunk);
      });
  }
}

async function insertMissing(db: Kysely<Database>, rows: TimerRow[]): Promise<void> {
  const found = await sql<{ id: Buffer }>`
    SELECT id FROM timers FORCE INDEX (PRIMARY) WHERE id IN (${sql.join(rows.map((row) => row.id))})`.execute(db);
  const stored = new Set(found.rows.map((row) => row.id.toString('hex')));
  const missing = rows.filter((row) => !stored.has(Buffer.from(row.id).toString('hex')));
  if (missing.length > 0) await insertAll(db, missing);
}

/** mysql2 spells out the nested arrays; Kysely's builder would make a node of each of the values. */
async function insertAll(db: Kysely<Database>, rows: TimerRow[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first).join(', ');
  const values = rows.map((row) => Object.values(row) as unknown[]);
  await db.executeQuery(CompiledQuery.raw(`INSERT INTO timers (${columns}) VALUES ?`, [values]));
}

function* chunks(rows: TimerRow[]): Generator<TimerRow[]> {
  let chunk: TimerRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += ROW_BYTES + 2 * row.body_bytes + (row.headers?.length ?? 0);
    if (chunk.length > 0 && (bytes > MAX_STATEMENT_BYTES || chunk.length >= MAX_STATEMENT_ROWS)) {
      yield chunk;
      [chunk, bytes] = [[], 0];
    }
    chunk.push(row);
  }
  if (chunk.length > 0) yield chunk;
}
