import { sql, type RawBuilder } from 'kysely';

/**
 * Whether the timer, under the alias `t`, waits for another attempt before it expires: 1 or 0. One whose next attempt comes
 * too late would only be found to have expired, and one that runs may have asked already.
 */
export const isToCome = (now: number): RawBuilder<number> => sql`
  (t.status = 'waiting' AND t.next_attempt_at <= t.due_at + t.expires_after_ms
   AND ${now} <= t.due_at + t.expires_after_ms)`;

/** Columns that stay when a check begins anew: the claim and its fence tell late outcomes of the last one apart. */
export const KEPT_BY_CHECKS: ReadonlySet<string> = new Set(['id', 'url', 'claim_id', 'fence']);

/** Columns that tell when a check is due. One that begins anew while it runs is due when its deadline must have passed. */
export const DUE_COLUMNS: ReadonlySet<string> = new Set(['due_at', 'next_attempt_at', 'wake_at']);
