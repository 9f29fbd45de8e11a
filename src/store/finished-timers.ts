import { sql, type Kysely } from 'kysely';
import type { Timer } from '../timers/index.ts';
import type { IndexHints } from './index-hints.ts';
import { fromListedRow, listedColumns, type ListedRow } from './listed-row.ts';
import type { Database } from './schema.ts';
import { uuidToBytes } from './uuid-bytes.ts';

/** Longer lists make planners read the whole table. */
const MAX_IDS = 500;

export async function findFinished(db: Kysely<Database>, hints: IndexHints, ids: string[]): Promise<Timer[]> {
  const finished: Timer[] = [];
  for (let from = 0; from < ids.length; from += MAX_IDS) {
    const some = ids.slice(from, from + MAX_IDS).map(uuidToBytes);
    const { rows } = await sql<ListedRow>`
      SELECT ${listedColumns} FROM timers AS t ${hints.index('PRIMARY')}
       WHERE t.id IN (${sql.join(some)}) AND t.status NOT IN ('waiting', 'executing')`.execute(db);
    finished.push(...rows.map(fromListedRow));
  }
  return finished;
}
