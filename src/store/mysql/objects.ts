import { sql, type Kysely } from 'kysely';
import type { PresenceStore, SeenObject } from '../../presence/index.ts';
import { fromObjectRow, latestSightings } from '../objects.ts';
import type { Database, ObjectRow } from '../schema.ts';
import { toRow } from '../timer-row.ts';
import { insertRows } from './insert.ts';
import { idTable, jsonTable } from './json-table.ts';

export async function keepSightings(db: Kysely<Database>, sightings: SeenObject[]): Promise<void> {
  await sql`
    INSERT INTO objects (id, last_seen)
    SELECT UNHEX(r.id), r.seen
      FROM ${jsonTable({ id: 'VARCHAR(1200)', seen: 'BIGINT' }, latestSightings(sightings))}
        ON DUPLICATE KEY UPDATE last_seen = GREATEST(objects.last_seen, r.seen)`.execute(db);
}

/**
 * Within a transaction. Looks without locks, then locks by primary key, as sightings do: what was seen in between stays,
 * and what is locked cannot be seen before the commit.
 */
export async function forgetObjects(
  db: Kysely<Database>,
  { seenUntil, limit, farewellOf }: Parameters<PresenceStore['forgetObjects']>[0],
): Promise<number> {
  const unseen = await sql<{ id: Buffer }>`
    SELECT id FROM objects FORCE INDEX (last_seen)
     WHERE last_seen <= ${seenUntil} ORDER BY last_seen, id LIMIT ${limit}`.execute(db);
  if (unseen.rows.length === 0) return 0;
  const ids = sql.join(unseen.rows.map(({ id }) => id).sort((a, b) => a.compare(b)));
  const { rows } = await sql<ObjectRow>`
    SELECT id, last_seen FROM objects FORCE INDEX (PRIMARY)
     WHERE id IN (${ids}) AND last_seen <= ${seenUntil} FOR UPDATE`.execute(db);
  if (rows.length === 0) return 0;
  await sql`
    DELETE o FROM ${idTable(rows.map(({ id }) => id))}
      STRAIGHT_JOIN objects AS o FORCE INDEX (PRIMARY) ON o.id = UNHEX(r.id)`.execute(db);
  await insertRows(db, farewellOf(rows.map(fromObjectRow)).map(toRow), false);
  return rows.length;
}
