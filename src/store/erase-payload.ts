import { sql, type Kysely } from 'kysely';
import type { Timer } from '../timers/index.ts';
import { findTimer } from './find-timer.ts';
import type { IndexHints } from './index-hints.ts';
import type { Database } from './schema.ts';
import { uuidToBytes } from './uuid-bytes.ts';

/**
 * Attempts last: an outcome that comes in late may still add one, and a repetition finds it. Where headers or a body are
 * erased, the length tells of it; see `isErased`. It comes first, as MySQL assigns one after the other.
 */
export async function erasePayload(
  db: Kysely<Database>,
  hints: IndexHints,
  timerId: string,
): Promise<Timer | undefined> {
  const id = uuidToBytes(timerId);
  const { numAffectedRows } = await sql`
    UPDATE timers ${hints.index('PRIMARY')}
       SET body_bytes = CASE WHEN body_bytes = 0 AND (body IS NOT NULL OR headers IS NOT NULL) THEN 1 ELSE body_bytes END,
           headers = NULL, body = NULL, metadata = NULL, answer = NULL
     WHERE id = ${id} AND status NOT IN ('waiting', 'executing')`.execute(db);
  if (numAffectedRows !== 1n) return undefined;
  await sql`UPDATE attempts SET answer = NULL WHERE timer_id = ${id}`.execute(db);
  return findTimer(db, timerId);
}
