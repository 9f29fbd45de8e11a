import { sql, type RawBuilder } from 'kysely';

/**
 * Whether the timer, under the alias `t`, waits or runs, and has another attempt before it expires: 1 or 0. One whose next
 * attempt comes too late would only be found to have expired.
 */
export const hasAttemptLeft = (now: number): RawBuilder<number> => sql`
  (t.status IN ('waiting', 'executing') AND t.next_attempt_at <= t.due_at + t.expires_after_ms
   AND ${now} <= t.due_at + t.expires_after_ms)`;

/** Columns that stay when a check begins anew: the claim and its fence tell late outcomes of the last one apart. */
export const KEPT_BY_CHECKS: ReadonlySet<string> = new Set(['id', 'url', 'claim_id', 'fence']);
