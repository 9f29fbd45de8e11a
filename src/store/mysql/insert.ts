import { CompiledQuery, sql, type Kysely } from 'kysely';
import type { Database, TimerRow } from '../schema.ts';
import { NO_CLAIM, NOT_TRIED } from '../timer-row.ts';
import { toHex } from '../uuid-bytes.ts';
import { chunksOf } from './chunks-of.ts';
import { isDuplicateKey } from './errors.ts';
import { idTable } from './json-table.ts';

/** What the table gives a column that is left out, where that is not null; see the migrations. */
const DEFAULTS: Partial<TimerRow> = {
  status: 'waiting',
  claim_id: NO_CLAIM,
  fence: 0,
  attempts: 0,
  lost: 0,
  run: 0,
  action: 'webhook',
  method: 'POST',
  body_bytes: 0,
  append_id: 1,
  max_attempts: 8,
  delivery: 'at_least_once',
  ...NOT_TRIED,
};

/**
 * Multi-row INSERTs. `again` says that an earlier try may have been committed though its answer was lost; the ids are
 * ours, or those of checks, so a row that is there already is that one.
 */
export async function insertRows(db: Kysely<Database>, rows: TimerRow[], again: boolean): Promise<void> {
  for (const chunk of chunksOf(rows, sizeOf)) await insertAbsent(db, again ? await missing(db, chunk) : chunk);
}

/**
 * The earlier try may be under way still, as may others' calls with the same checks, and commit between the look and the
 * statement: a duplicate calls for another look, after which fewer are left.
 */
async function insertAbsent(db: Kysely<Database>, rows: TimerRow[]): Promise<void> {
  try {
    await insertAll(db, rows);
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    const left = await missing(db, rows);
    if (left.length === rows.length) throw error;
    await insertAbsent(db, left);
  }
}

/** The rows stand, and become these in every column: what is left out becomes its default. */
export async function replaceRows(db: Kysely<Database>, rows: TimerRow[]): Promise<void> {
  for (const chunk of chunksOf(rows, sizeOf)) await insertAll(db, chunk, 'REPLACE');
}

async function missing(db: Kysely<Database>, rows: TimerRow[]): Promise<TimerRow[]> {
  const found = await sql<{ id: Buffer }>`
    SELECT t.id FROM ${idTable(rows.map(({ id }) => id))}
      STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = UNHEX(r.id)`.execute(db);
  const stored = new Set(found.rows.map((row) => toHex(row.id)));
  return rows.filter((row) => !stored.has(toHex(row.id)));
}

/**
 * mysql2 spells out the nested arrays; Kysely's builder would make a node of each of the values. Most of the columns
 * stand at their defaults until a timer is claimed or asks for more, and the server reads them no faster for that: those
 * that do in every row are left out.
 */
async function insertAll(db: Kysely<Database>, rows: TimerRow[], verb: 'INSERT' | 'REPLACE' = 'INSERT'): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first) as (keyof TimerRow)[];
  const defaults = columns.map((column) => DEFAULTS[column] ?? null);
  // By position: to look up each member of each row by its name took three times as long.
  const table = rows.map((row): unknown[] => Object.values(row));
  const told = [...columns.keys()].filter((at) => table.some((values) => values[at] !== defaults[at]));
  const names = told.map((at) => columns[at]).join(', ');
  const values = table.map((row) => told.map((at) => row[at]));
  await db.executeQuery(CompiledQuery.raw(`${verb} INTO timers (${names}) VALUES ?`, [values]));
}

const sizeOf = (row: TimerRow): number => 2 * row.body_bytes + (row.headers?.length ?? 0);
