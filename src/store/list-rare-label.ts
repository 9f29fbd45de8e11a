import { sql, type Kysely } from 'kysely';
import { MAX_WALKED, type TimerPage, type TimerQuery } from '../timers/index.ts';
import type { IndexHints } from './index-hints.ts';
import { all, isOwner, matches } from './list-filters.ts';
import { pageOf, type ListRequest } from './list-page.ts';
import { isUpwards } from './list-walks.ts';
import { fromListedRow, listedColumns, type ListedRow } from './listed-row.ts';
import type { Database } from './schema.ts';
import { uuidToBytes } from './uuid-bytes.ts';

/**
 * Whether one page can look at every timer of the label, where the status is given too. "What waits for customer 4711?"
 * would otherwise walk over everything that waits, page after empty page.
 */
export async function isRareLabel(db: Kysely<Database>, hints: IndexHints, query: TimerQuery): Promise<boolean> {
  if (query.label === undefined || query.status === undefined) return false;
  const { rows } = await sql`
    SELECT 1 FROM timers AS t ${hints.index('labelled')} WHERE ${entriesOf(query)}
     LIMIT 1 OFFSET ${MAX_WALKED}`.execute(db);
  return rows.length === 0;
}

/** In the same order as a walk by status, so a cursor of the one serves the other when the label becomes common. */
export async function listRareLabel(
  db: Kysely<Database>,
  hints: IndexHints,
  { query, after, limit }: ListRequest,
): Promise<TimerPage> {
  const [beyond, direction] = isUpwards(query.status) ? [sql`>`, sql`ASC`] : [sql`<`, sql`DESC`];
  const onwards =
    after === null
      ? []
      : [
          sql`(t.wake_at ${beyond} ${after.wakeAt}
               OR (t.wake_at = ${after.wakeAt} AND t.id ${beyond} ${uuidToBytes(after.id)}))`,
        ];
  const { rows } = await sql<ListedRow>`
    SELECT ${listedColumns} FROM timers AS t ${hints.index('labelled')}
     WHERE ${all([entriesOf(query), matches(query), ...onwards])}
     ORDER BY t.wake_at ${direction}, t.id ${direction} LIMIT ${limit + 1}`.execute(db);
  return pageOf(rows.map(fromListedRow), limit);
}

const entriesOf = ({ label, owner }: TimerQuery) =>
  all([sql`t.label = ${label}`, ...(owner === undefined ? [] : [isOwner(owner)])]);
