import type { Kysely } from 'kysely';
import type { SeenObject } from '../presence/index.ts';
import type { Database, ObjectRow } from './schema.ts';
import { toHex } from './uuid-bytes.ts';

/** Ids are kept as bytes, so that only the same text is the same id. */
export const objectIdToBytes = (id: string): Buffer => Buffer.from(id);

export const fromObjectRow = ({ id, last_seen }: ObjectRow): SeenObject => ({
  id: Buffer.from(id).toString(),
  lastSeen: last_seen,
});

export async function findObject(db: Kysely<Database>, id: string): Promise<SeenObject | undefined> {
  const row = await db.selectFrom('objects').selectAll().where('id', '=', objectIdToBytes(id)).executeTakeFirst();
  return row && fromObjectRow(row);
}

export async function listObjects(
  db: Kysely<Database>,
  { after, limit }: { after: string | null; limit: number },
): Promise<SeenObject[]> {
  // No id is empty, so the empty one comes before all of them.
  const behind = objectIdToBytes(after ?? '');
  const rows = await db.selectFrom('objects').selectAll().where('id', '>', behind).orderBy('id').limit(limit).execute();
  return rows.map(fromObjectRow);
}

/** Of each object the latest, as rows of id (hex) and instant in the order of the ids: every writer locks in this order. */
export function latestSightings(sightings: SeenObject[]): [id: string, seen: number][] {
  const latest = new Map<string, number>();
  for (const { id, lastSeen } of sightings) latest.set(id, Math.max(lastSeen, latest.get(id) ?? -Infinity));
  const rows = [...latest].map(([id, seen]): [string, number] => [toHex(objectIdToBytes(id)), seen]);
  return rows.sort(([a], [b]) => (a < b ? -1 : 1));
}
