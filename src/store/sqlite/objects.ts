import { sql, type Kysely } from 'kysely';
import type { PresenceStore, SeenObject } from '../../presence/index.ts';
import { fromObjectRow, latestSightings } from '../objects.ts';
import type { Database, ObjectRow } from '../schema.ts';
import { toRow } from '../timer-row.ts';
import { insertTimers } from './insert-timers.ts';

export async function keepSightings(db: Kysely<Database>, sightings: SeenObject[]): Promise<void> {
  // Without its WHERE, the ON would be read as that of a join.
  await sql`
    INSERT INTO objects (id, last_seen)
    SELECT unhex(json_extract(value, '$[0]')), json_extract(value, '$[1]')
      FROM json_each(${JSON.stringify(latestSightings(sightings))}) WHERE true
        ON CONFLICT (id) DO UPDATE SET last_seen = max(last_seen, excluded.last_seen)`.execute(db);
}

/** Within a transaction. */
export async function forgetObjects(
  db: Kysely<Database>,
  { seenUntil, limit, farewellOf }: Parameters<PresenceStore['forgetObjects']>[0],
): Promise<number> {
  const { rows } = await sql<ObjectRow>`
    DELETE FROM objects
     WHERE id IN (SELECT id FROM objects INDEXED BY last_seen
                   WHERE last_seen <= ${seenUntil} ORDER BY last_seen, id LIMIT ${limit})
    RETURNING id, last_seen`.execute(db);
  await insertTimers(db, farewellOf(rows.map(fromObjectRow)).map(toRow));
  return rows.length;
}
