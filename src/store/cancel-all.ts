import { sql, type Kysely } from 'kysely';
import type { TimerQuery } from '../timers/index.ts';
import type { IndexHints } from './index-hints.ts';
import { matches } from './list-filters.ts';
import type { Database } from './schema.ts';
import { sortedIds } from './uuid-bytes.ts';

export async function cancelAll(
  db: Kysely<Database>,
  hints: IndexHints,
  { ids, query, now }: { ids: string[]; query: TimerQuery; now: number },
): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE timers AS t ${hints.index('PRIMARY')} SET status = 'cancelled', wake_at = ${now}, fence = fence + 1
     WHERE t.id IN (${sql.join(sortedIds(ids))}) AND t.status = 'waiting' AND ${matches(query)}`.execute(db);
  return Number(numAffectedRows ?? 0);
}
