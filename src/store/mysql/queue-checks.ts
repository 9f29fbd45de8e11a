import { sql, type Kysely } from 'kysely';
import { DUE_COLUMNS, isToCome, KEPT_BY_CHECKS } from '../check-rows.ts';
import type { Database, TimerRow } from '../schema.ts';
import { idTable } from './id-table.ts';
import { insertRows } from './insert.ts';

/** Within a transaction, in the order in which the engine locks: timers by their ids, then attempts. */
export async function queueChecks(db: Kysely<Database>, checks: TimerRow[]): Promise<void> {
  const rows = [...new Map(checks.map((row) => [hex(row.id), row])).values()].sort((a, b) =>
    hex(a.id) < hex(b.id) ? -1 : 1,
  );
  const now = Math.max(...rows.map((row) => row.created_at));
  const standing = await sql<{ id: Buffer; toCome: number }>`
    SELECT t.id, ${isToCome(now)} AS toCome FROM timers AS t FORCE INDEX (PRIMARY)
     WHERE t.id IN (${sql.join(rows.map(({ id }) => id))})`.execute(db);
  const toCome = new Map(standing.rows.map((row) => [hex(row.id), row.toCome === 1]));
  await beginAnew(
    db,
    rows.filter(({ id }) => toCome.get(hex(id)) === false),
    now,
  );
  await insertRows(
    db,
    rows.filter(({ id }) => !toCome.has(hex(id))),
    false,
  );
}

/** All that checks differ by is in what is kept. Another replica may have begun some of them anew since the look. */
async function beginAnew(db: Kysely<Database>, rows: TimerRow[], now: number): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const ids = sql.join(rows.map(({ id }) => id));
  const untilOver = sql`IF(t.status = 'executing', ${first.timeout_ms}, 0)`;
  const anew = Object.entries(first).filter(([column]) => !KEPT_BY_CHECKS.has(column) && column !== 'status');
  const assignments = anew.map(([column, value]) => {
    const assigned = sql`t.${sql.ref(column)} = ${value}`;
    return DUE_COLUMNS.has(column) ? sql`${assigned} + ${untilOver}` : assigned;
  });
  // The status last: the server assigns from left to right, and reads what it has assigned.
  await sql`
    UPDATE timers AS t FORCE INDEX (PRIMARY) SET ${sql.join(assignments)}, t.status = ${first.status}
     WHERE t.id IN (${ids}) AND NOT ${isToCome(now)}`.execute(db);
  await sql`
    DELETE a FROM ${idTable(rows)} STRAIGHT_JOIN attempts AS a FORCE INDEX (PRIMARY) ON a.timer_id = UNHEX(r.id)`.execute(
    db,
  );
}

const hex = (id: Uint8Array): string => Buffer.from(id).toString('hex');
