import { ASKED_AGAIN, DUE_COLUMNS, KEPT_BY_CHECKS } from '../check-rows.ts';
import type { TimerRow } from '../schema.ts';
import type { SqliteConnection } from './connection.ts';

/** As in `isToCome`. Parameter: now. */
const IS_TO_COME = `
  (timers.status = 'waiting'
   AND max(timers.next_attempt_at, ?) <= timers.due_at + timers.expires_after_ms)`;

/** Parameters: id, id, now. */
const FORGET_ATTEMPTS = `
  DELETE FROM attempts
   WHERE timer_id = ? AND EXISTS (SELECT 1 FROM timers WHERE id = ? AND NOT ${IS_TO_COME})`;

/** Parameters: the columns, now. */
const queueCheck = (columns: string[]): string => `
  INSERT INTO timers (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
  ON CONFLICT (id) DO UPDATE
     SET ${columns
       .filter((column) => !KEPT_BY_CHECKS.has(column))
       .map(assignment)
       .join(', ')}
   WHERE NOT ${IS_TO_COME}`;

function assignment(column: string): string {
  const ifRuns = (value: string, otherwise: string) => `iif(timers.status = 'executing', ${value}, ${otherwise})`;
  if (column === 'claim_id') return `claim_id = ${ifRuns(ASKED_AGAIN, 'timers.claim_id')}`;
  if (DUE_COLUMNS.has(column)) return `${column} = excluded.${column} + ${ifRuns('excluded.timeout_ms', '0')}`;
  return `${column} = excluded.${column}`;
}

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
