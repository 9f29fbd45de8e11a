import { KEPT_BY_CHECKS } from '../check-rows.ts';
import type { TimerRow } from '../schema.ts';
import type { SqliteConnection } from './connection.ts';

/** As in `hasAttemptLeft`. Parameter: now. */
const HAS_ATTEMPT_LEFT = `
  (timers.status IN ('waiting', 'executing')
   AND max(timers.next_attempt_at, ?) <= timers.due_at + timers.expires_after_ms)`;

/** Parameters: id, id, now. */
const FORGET_ATTEMPTS = `
  DELETE FROM attempts
   WHERE timer_id = ? AND EXISTS (SELECT 1 FROM timers WHERE id = ? AND NOT ${HAS_ATTEMPT_LEFT})`;

/** Parameters: the columns, now. */
const queueCheck = (columns: string[]): string => `
  INSERT INTO timers (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
  ON CONFLICT (id) DO UPDATE
     SET ${columns.flatMap((column) => (KEPT_BY_CHECKS.has(column) ? [] : `${column} = excluded.${column}`)).join(', ')}
   WHERE NOT ${HAS_ATTEMPT_LEFT}`;

export async function queueChecks(connection: SqliteConnection, rows: TimerRow[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  await connection.run(
    [
      { sql: FORGET_ATTEMPTS, rows: rows.map(({ id, created_at }) => [id, id, created_at]) },
      {
        sql: queueCheck(Object.keys(first)),
        rows: rows.map((row) => [...(Object.values(row) as unknown[]), row.created_at]),
      },
    ],
    { transaction: true },
  );
}
