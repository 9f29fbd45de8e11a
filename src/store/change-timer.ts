import { sql, type Kysely } from 'kysely';
import { Refusal, type Timer, type TimerChange } from '../timers/index.ts';
import type { IndexHints } from './index-hints.ts';
import { keepFirstTries } from './replay.ts';
import type { Database, TimerRow } from './schema.ts';
import { fromRow, toRow } from './timer-row.ts';
import { uuidToBytes } from './uuid-bytes.ts';

/**
 * The fence tells whether a claim has come between the look and the write; it waits for a claim under way, whose row then
 * no longer matches. `again` says that an earlier try may have done it: then only the store's silence can be told, unless
 * the row carries the very claim that was to be written.
 */
export async function changeTimer(
  db: Kysely<Database>,
  hints: IndexHints,
  { seen, change, again }: { seen: Timer; change: TimerChange; again: boolean },
): Promise<Timer | undefined> {
  if (change.run !== undefined) await keepFirstTries(db, hints, [seen.id]);
  const id = uuidToBytes(seen.id);
  const { numAffectedRows } = await sql`
    UPDATE timers ${hints.index('PRIMARY')} SET ${sql.join(assignments(seen, change))}
     WHERE id = ${id} AND status = ${seen.status} AND fence = ${seen.fence}`.execute(db);
  const row = await db.selectFrom('timers').selectAll().where('id', '=', id).executeTakeFirst();
  const timer = row && fromRow(row);
  if (numAffectedRows === 1n) return timer;
  if (!again) return undefined;
  if (typeof change.claimId === 'string' && timer?.claimId === change.claimId) return timer;
  throw new Refusal(
    'store_unavailable',
    'The database lost the answer; whether the change was made has to be looked up.',
  );
}

/** Only what was asked for is written: a change of another field that came in between stays. */
function assignments(seen: Timer, change: TimerChange) {
  const row = toRow({ ...seen, ...change });
  return Object.keys(change).map((field) => {
    const column = columnOf(field);
    return sql`${sql.ref(column)} = ${row[column]}`;
  });
}

const columnOf = (field: string) =>
  field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as keyof TimerRow;
