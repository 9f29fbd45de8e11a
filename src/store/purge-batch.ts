import { sql } from 'kysely';

/** A delete writes whole rows to the binary log; one statement must not keep the log from others for long. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const ATTEMPT_BYTES = 1024;

/**
 * What is deleted with a timer. `attempts` counts those of the last run; over all runs there are no more than there were
 * claims, which `fence` counts. Of 500,000 rows at once MySQL 9.7 deletes none: that takes longer than a connection is held.
 */
export const purgedBytes = sql<number>`
  body_bytes + ${sql.lit(ATTEMPT_BYTES)} * CASE run WHEN 0 THEN attempts ELSE fence END`;

/**
 * How many of the rows that a look found, in the order in which they ended, are deleted together (at least one), and where
 * the next look begins: at the last one's instant, where others may have ended too.
 */
export function purgeBatch<Row extends { ended_at: number; bytes: number }>(
  rows: Row[],
  limit: number,
): { batch: Row[]; next: number | null } {
  let total = 0;
  const end = rows.findIndex(({ bytes }, index) => (total += bytes) > MAX_BATCH_BYTES && index > 0);
  const batch = end === -1 ? rows : rows.slice(0, end);
  const isAll = batch.length === rows.length && rows.length < limit;
  return { batch, next: isAll ? null : (batch.at(-1)?.ended_at ?? null) };
}
