import { isDeepStrictEqual } from 'node:util';
import { sql, type Kysely } from 'kysely';
import { Refusal, type Timer, type TimerChange } from '../timers/index.ts';
import type { IndexHints } from './index-hints.ts';
import { hasPayload, keepFirstTries } from './replay.ts';
import type { Database } from './schema.ts';
import { columnOf, fromRow, toRow } from './timer-row.ts';
import { uuidToBytes } from './uuid-bytes.ts';

/**
 * The fence tells whether a claim or another change has come between the look and the write; the write waits for a claim
 * under way, and its row then no longer matches. `again` says that an earlier try may have done it: where the timer stands as
 * it would have left it, it has; otherwise nobody can tell any more.
 */
export async function changeTimer(
  db: Kysely<Database>,
  hints: IndexHints,
  { seen, change, again }: { seen: Timer; change: TimerChange; again: boolean },
): Promise<Timer | undefined> {
  if (change.run !== undefined) await keepFirstTries(db, hints, [seen.id]);
  const id = uuidToBytes(seen.id);
  const written = { ...change, fence: seen.fence + 1 };
  const columns = Object.keys(written).map(columnOf);
  const wanted = toRow({ ...seen, ...written });
  const assignments = columns.map((column) => sql`${sql.ref(column)} = ${wanted[column]}`);
  // Erasing raises no fence: the last attempt is told by that of its claim.
  const unlessErased = change.run === undefined ? sql`` : sql` AND (${hasPayload})`;
  const { numAffectedRows } = await sql`
    UPDATE timers ${hints.index('PRIMARY')} SET ${sql.join(assignments)}
     WHERE id = ${id} AND status = ${seen.status} AND fence = ${seen.fence}${unlessErased}`.execute(db);
  const row = await db.selectFrom('timers').selectAll().where('id', '=', id).executeTakeFirst();
  const isAsWanted = row !== undefined && columns.every((column) => isDeepStrictEqual(row[column], wanted[column]));
  if (numAffectedRows === 1n || (again && isAsWanted)) return row && fromRow(row);
  if (!again) return undefined;
  throw new Refusal('store_unavailable', 'The database lost its answer; look whether the change was made.');
}
