import { ASKED_AGAIN, DUE_COLUMNS } from '../check-rows.ts';
import type { TimerRow } from '../schema.ts';
import { ATTEMPT_COLUMNS } from '../result-rows.ts';
import { CLAIMED_COLUMNS, INLINE_BODY_BYTES } from '../timer-row.ts';

/** Changes nothing, but has to be written: whether there is room again, or the disk well. */
export const WRITE_SOMETHING = 'UPDATE schema_migrations SET timestamp = timestamp';

/** Parameters: see `PulseQuery`. Each look is a range on the hot index that ends at its first row; one from NULL is empty. */
export const PULSE = `
  SELECT (${firstWake("status = 'waiting' AND wake_at >= ? AND wake_at <= ?")}) AS fresh,
         (${firstWake("status = 'waiting' AND wake_at >= ? AND wake_at <= ?")}) AS backlog,
         (${firstWake("status = 'executing' AND wake_at >= ?")}) AS lease`;

function firstWake(range: string): string {
  return `SELECT wake_at FROM timers INDEXED BY wake WHERE ${range} ORDER BY wake_at LIMIT 1`;
}

/** One statement, and one writer at a time: what it returns is ours. Parameters: claim, lease end, lost, status, from, to, limit. */
export const CLAIM = `
  UPDATE timers SET status = 'executing', claim_id = ?, wake_at = ?, fence = fence + 1, lost = lost + ?
   WHERE id IN (SELECT id FROM timers INDEXED BY wake
                 WHERE status = ? AND wake_at >= ? AND wake_at <= ? AND send_started_at IS NULL
                 ORDER BY wake_at, id LIMIT ?)
  RETURNING ${CLAIMED_COLUMNS.join(', ')}, iif(body_bytes <= ${INLINE_BODY_BYTES}, body, NULL) AS body`;

/** Parameters: now, lease end, claim. */
export const RELEASE_CLAIM = `
  UPDATE timers INDEXED BY wake SET status = 'waiting', wake_at = max(next_attempt_at, ?)
   WHERE status = 'executing' AND wake_at = ? AND claim_id = ?`;

/** Parameters: started, id, claim. */
export const MARK_SEND = `
  UPDATE timers SET send_started_at = ? WHERE id = ? AND claim_id = ? AND status = 'executing' RETURNING id`;

/** Parameters: now, from, to, limit. */
export const EXPIRE_SENDS = `
  UPDATE timers SET status = 'unknown', wake_at = ?
   WHERE id IN (SELECT id FROM timers INDEXED BY wake
                 WHERE status = 'executing' AND wake_at >= ? AND wake_at <= ? AND send_started_at IS NOT NULL
                 ORDER BY wake_at, id LIMIT ?)`;

/** One process per file: at start every lease belongs to a process that is no more. */
export const RELEASE_DEAD_LEASES = `
  UPDATE timers INDEXED BY wake SET status = 'waiting', wake_at = next_attempt_at, lost = lost + 1
   WHERE status = 'executing' AND send_started_at IS NULL`;

/** Parameter: now. */
export const EXPIRE_DEAD_SENDS = `
  UPDATE timers INDEXED BY wake SET status = 'unknown', wake_at = ? WHERE status = 'executing' AND send_started_at IS NOT NULL`;

/** An `unknown` one, whose lease ran out, may have no result yet. Parameters by name: a `ResultRow`. */
export const RECORD_RESULT = `
  UPDATE timers
     SET status = :status, reason = :reason, wake_at = :wake_at, next_attempt_at = :next_attempt_at,
         send_started_at = iif(:status = 'waiting', NULL, send_started_at),
         attempts = attempts + :attempted, lost = iif(:attempted, 0, lost),
         ${ATTEMPT_COLUMNS.map((column) => `${column} = iif(:attempted, :${column}, ${column})`).join(', ')}
   WHERE id = unhex(:id) AND claim_id = unhex(:claim_id)
     AND (status = 'executing' OR (status = 'unknown' AND attempts = 0))`;

export const INSERT_ATTEMPT = `
  INSERT OR IGNORE INTO attempts (timer_id, fence, run, attempt, ${ATTEMPT_COLUMNS.join(', ')})
  SELECT id, :fence, :run, :attempt, ${ATTEMPT_COLUMNS.map((column) => `:${column}`).join(', ')}
    FROM timers WHERE id = unhex(:id) AND claim_id = unhex(:claim_id)`;

/**
 * Has a check that began anew while it ran due with the outcome that was waited for, though not before it was asked for.
 * Parameters by name: a `ResultRow`.
 */
export const BRING_FORWARD = `
  UPDATE timers
     SET ${[...DUE_COLUMNS].map((column) => `${column} = min(${column}, max(:wake_at, created_at))`).join(', ')}
   WHERE id = unhex(:id) AND claim_id = ${ASKED_AGAIN} AND status = 'waiting'`;

/** The ids of the rows (a JSON array of `{ id, claim_id }`) that carry another claim by now. Such checks are not lost. */
export const FIND_LOST = `
  SELECT json_extract(value, '$.id') AS id FROM json_each(?)
   WHERE NOT EXISTS (SELECT 1 FROM timers WHERE timers.id = unhex(json_extract(value, '$.id'))
                                            AND claim_id IN (unhex(json_extract(value, '$.claim_id')), ${ASKED_AGAIN}))`;

export const insertTimer = (columns: (keyof TimerRow)[]): string =>
  `INSERT INTO timers (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT (id) DO NOTHING`;
