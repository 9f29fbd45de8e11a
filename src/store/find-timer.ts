import type { Kysely } from 'kysely';
import type { Timer } from '../timers/index.ts';
import type { Database } from './schema.ts';
import { fromRow } from './timer-row.ts';
import { uuidToBytes } from './uuid-bytes.ts';

export async function findTimer(db: Kysely<Database>, id: string): Promise<Timer | undefined> {
  const row = await db.selectFrom('timers').selectAll().where('id', '=', uuidToBytes(id)).executeTakeFirst();
  return row && fromRow(row);
}
