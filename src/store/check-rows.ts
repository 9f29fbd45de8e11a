import { sql, type RawBuilder } from 'kysely';
import { MAX } from 'uuid';
import { uuidToHex } from './uuid-bytes.ts';

/**
 * Whether the timer, under the alias `t`, waits for another attempt before it expires: 1 or 0. One whose next attempt comes
 * too late would only be found to have expired, and one that runs may have asked already.
 */
export const isToCome = (now: number): RawBuilder<number> => sql`
  (t.status = 'waiting' AND t.next_attempt_at <= t.due_at + t.expires_after_ms
   AND ${now} <= t.due_at + t.expires_after_ms)`;

/** Columns that stay when a check begins anew; so does the claim, but see `ASKED_AGAIN`. Both tell late outcomes apart. */
export const KEPT_BY_CHECKS: ReadonlySet<string> = new Set(['id', 'url', 'fence']);

/**
 * In place of the claim of a check that began anew while it ran, as SQL: by this the outcome of that, which is no longer
 * taken, has the check brought forward. No claim bears the id (RFC 9562 §5.10).
 */
export const ASKED_AGAIN = `x'${uuidToHex(MAX)}'`;

/**
 * Columns that tell when a check is due. One that begins anew while it runs is due when that must be over by its deadline,
 * and is brought forward when the outcome comes in.
 */
export const DUE_COLUMNS: ReadonlySet<string> = new Set(['due_at', 'next_attempt_at', 'wake_at']);
