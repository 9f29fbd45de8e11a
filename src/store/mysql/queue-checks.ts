import { sql, type Kysely } from 'kysely';
import { ASKED_AGAIN, DUE_COLUMNS, isToCome, KEPT_BY_CHECKS } from '../check-rows.ts';
import type { Database, TimerRow } from '../schema.ts';
import { toHex } from '../uuid-bytes.ts';
import { insertRows } from './insert.ts';
import { idTable } from './json-table.ts';

/** Within a transaction, in the order in which the engine locks: timers by their ids, then attempts. */
export async function queueChecks(db: Kysely<Database>, checks: TimerRow[]): Promise<void> {
  const rows = [...new Map(checks.map((row) => [toHex(row.id), row])).values()].sort((a, b) =>
    toHex(a.id) < toHex(b.id) ? -1 : 1,
  );
  const now = Math.max(...rows.map((row) => row.created_at));
  const standing = await sql<{ id: Buffer; toCome: number }>`
    SELECT t.id, ${isToCome(now)} AS toCome FROM timers AS t FORCE INDEX (PRIMARY)
     WHERE t.id IN (${sql.join(rows.map(({ id }) => id))})`.execute(db);
  const toCome = new Map(standing.rows.map((row) => [toHex(row.id), row.toCome === 1]));
  await beginAnew(
    db,
    rows.filter(({ id }) => toCome.get(toHex(id)) === false),
    now,
  );
  await insertRows(
    db,
    rows.filter(({ id }) => !toCome.has(toHex(id))),
    false,
  );
}

/** All that checks differ by is in what is kept. Another replica may have begun some of them anew since the look. */
async function beginAnew(db: Kysely<Database>, rows: TimerRow[], now: number): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const ids = rows.map(({ id }) => id);
  const { status, ...others } = first;
  const ifRuns = (value: unknown, otherwise: unknown) => sql`IF(t.status = 'executing', ${value}, ${otherwise})`;
  const assignments = Object.entries(others).flatMap(([name, value]) => {
    const column = sql`t.${sql.ref(name)}`;
    if (KEPT_BY_CHECKS.has(name)) return [];
    if (name === 'claim_id') return sql`${column} = ${ifRuns(sql.raw(ASKED_AGAIN), column)}`;
    if (DUE_COLUMNS.has(name)) return sql`${column} = ${value} + ${ifRuns(first.timeout_ms, 0)}`;
    return sql`${column} = ${value}`;
  });
  // The status last: the server assigns from left to right, and reads what it has assigned.
  await sql`
    UPDATE timers AS t FORCE INDEX (PRIMARY) SET ${sql.join(assignments)}, t.status = ${status}
     WHERE t.id IN (${sql.join(ids)}) AND NOT ${isToCome(now)}`.execute(db);
  await sql`
    DELETE a FROM ${idTable(ids)} STRAIGHT_JOIN attempts AS a FORCE INDEX (PRIMARY) ON a.timer_id = UNHEX(r.id)`.execute(
    db,
  );
}
