import type { Kysely } from 'kysely';
import type { Timer } from '../timers/index.ts';
import type { Database } from './schema.ts';
import { fromRow } from './timer-row.ts';

/** The latest timer of a key; undefined where there is none, or it has been forgotten. */
export async function findByKey(
  db: Kysely<Database>,
  { owner, key }: { owner: string | null; key: string },
): Promise<Timer | undefined> {
  const row = await db
    .selectFrom('timer_keys')
    .innerJoin('timers', 'timers.id', 'timer_keys.timer_id')
    .selectAll('timers')
    .where('timer_keys.owner', '=', Buffer.from(owner ?? '', 'latin1'))
    .where('timer_keys.timer_key', '=', Buffer.from(key, 'latin1'))
    .executeTakeFirst();
  return row && fromRow(row);
}
