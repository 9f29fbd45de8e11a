import { sql, type Kysely } from 'kysely';
import type { TimerQuery } from '../timers/index.ts';
import type { IndexHints } from './index-hints.ts';
import { matches } from './list-filters.ts';
import type { Database } from './schema.ts';
import { NOT_TRIED } from './timer-row.ts';
import { sortedIds } from './uuid-bytes.ts';

const notTried = sql.raw(
  Object.entries(NOT_TRIED)
    .map(([column, value]) => `${column} = ${value}`)
    .join(', '),
);

/** Begins new runs; see `NEW_RUN` for what they begin with. */
export async function replayAll(
  db: Kysely<Database>,
  hints: IndexHints,
  { ids, query, dueAt }: { ids: string[]; query: TimerQuery; dueAt: number },
): Promise<number> {
  await keepFirstTries(db, hints, ids);
  const { numAffectedRows } = await sql`
    UPDATE timers AS t ${hints.index('PRIMARY')}
       SET status = 'waiting', due_at = ${dueAt}, next_attempt_at = ${dueAt}, wake_at = ${dueAt}, run = run + 1,
           reason = NULL, attempts = 0, lost = 0, send_started_at = NULL, ${notTried},
           error_code = NULL, error_message = NULL, answer = NULL
     WHERE t.id IN (${sql.join(sortedIds(ids))}) AND t.status IN ('done', 'failed', 'unknown') AND ${matches(query)}`.execute(
    db,
  );
  return Number(numAffectedRows ?? 0);
}

/** A first-try success is told by the timer's own columns, which a new run clears. Its fence keeps it from being told twice. */
export async function keepFirstTries(db: Kysely<Database>, hints: IndexHints, ids: string[]): Promise<void> {
  await sql`
    ${hints.insertIfAbsent} INTO attempts (timer_id, fence, run, attempt, fired_at, lateness_ms, duration_ms, http_status,
                                           error_code, error_message, answer)
    SELECT id, fence, run, attempts, fired_at, lateness_ms, duration_ms, http_status, error_code, error_message, answer
      FROM timers AS t ${hints.index('PRIMARY')}
     WHERE t.id IN (${sql.join(sortedIds(ids))}) AND t.status = 'done' AND t.attempts = 1`.execute(db);
}
