import type { Kysely } from 'kysely';
import type { HeldRow } from '../timers/index.ts';
import type { Database } from './schema.ts';
import { uuidToBytes } from './uuid-bytes.ts';

export async function readBody(db: Kysely<Database>, { id, claimId }: HeldRow): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('timers')
    .select('body')
    .where('id', '=', uuidToBytes(id))
    .where('claim_id', '=', uuidToBytes(claimId))
    .executeTakeFirst();
  return row?.body ?? undefined;
}
