import { sql, type Kysely } from 'kysely';
import type { IndexHints } from './index-hints.ts';
import type { Database } from './schema.ts';
import { uuidToBytes } from './uuid-bytes.ts';

export async function holdLease(
  db: Kysely<Database>,
  hints: IndexHints,
  { name, holder, now, until }: { name: string; holder: string; now: number; until: number },
): Promise<boolean> {
  const holderId = uuidToBytes(holder);
  const hold = sql`UPDATE leases SET holder = ${holderId}, ends_at = ${until}
                    WHERE name = ${name} AND (holder = ${holderId} OR ends_at <= ${now})`;
  if ((await hold.execute(db)).numAffectedRows === 1n) return true;
  const made = await sql`${hints.insertIfAbsent} INTO leases (name, holder, ends_at)
                         VALUES (${name}, ${holderId}, ${until})`.execute(db);
  return made.numAffectedRows === 1n;
}
