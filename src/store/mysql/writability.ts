import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';

/** Whether the server is read-only for most, as it says itself: by a number, or by words for how far. */
export const READ_ONLY: RawBuilder<string | number> = sql`@@read_only`;

export const isOn = (value: string | number | undefined): boolean =>
  value !== undefined && !['OFF', '0', 'NO_LOCK'].includes(String(value));

/**
 * To be called with what `READ_ONLY` came to. Rejects where we may not write either (some users may), since a server that
 * was demoted in a fail-over is as good as gone, and answers for as long as nobody writes.
 */
export async function refuseReadOnly(db: Kysely<Database>, readOnly: string | number | undefined): Promise<void> {
  if (isOn(readOnly)) await writeNothing(db);
}

export const writeNothing = (db: Kysely<Database>): Promise<unknown> =>
  sql`UPDATE schema_migrations SET name = name WHERE FALSE`.execute(db);
