import { sql, type Kysely } from 'kysely';
import { ASKED_AGAIN, DUE_COLUMNS } from '../check-rows.ts';
import type { Database } from '../schema.ts';
import { ATTEMPT_COLUMNS, isToldByTimer, type ResultRow } from '../result-rows.ts';
import { jsonTable } from './json-table.ts';

type Column = Exclude<keyof ResultRow, 'logged'>;

/** How the server reads the values of a result. */
const TYPES: Record<Column, string> = {
  id: 'CHAR(32)',
  claim_id: 'CHAR(32)',
  status: 'VARCHAR(16)',
  reason: 'VARCHAR(32)',
  wake_at: 'BIGINT',
  next_attempt_at: 'BIGINT',
  attempted: 'INT',
  fired_at: 'BIGINT',
  lateness_ms: 'BIGINT',
  duration_ms: 'BIGINT',
  http_status: 'INT',
  error_code: 'VARCHAR(64)',
  error_message: 'VARCHAR(512)',
  answer: 'VARCHAR(1024)',
  run: 'INT',
  attempt: 'INT',
  fence: 'BIGINT',
};

/** To be joined by primary key, whatever the rows came to. */
const resultTable = (rows: ResultRow[], columns: readonly Column[]) =>
  jsonTable(
    Object.fromEntries(columns.map((column) => [column, TYPES[column]])),
    rows.map((row) => columns.map((column) => row[column])),
  );

/** Returns how many rows were still ours and had no result yet. */
export async function recordResults(db: Kysely<Database>, rows: ResultRow[]): Promise<number> {
  const plain = rows.filter(isToldByTimer);
  const others = rows.filter((row) => !isToldByTimer(row));
  const matched = plain.length === 0 ? 0 : await recordDelivered(db, plain);
  if (others.length === 0) return matched;
  if (!others.some((row) => row.logged === 1)) return matched + (await updateTimers(db, others));
  return db.transaction().execute(async (transaction) => {
    const matchedToo = await updateTimers(transaction, others);
    await insertAttempts(
      transaction,
      others.filter((row) => row.logged === 1),
    );
    return matched + matchedToo;
  });
}

const isAskedAgain = sql`t.claim_id = ${sql.raw(ASKED_AGAIN)}`;
/** Also where the lease ran out of what was being sent at most once: by then it is `unknown`, but has no result yet. */
const isOpen = sql`t.claim_id = UNHEX(r.claim_id) AND (t.status = 'executing' OR (t.status = 'unknown' AND t.attempts = 0))`;

/** First-try successes, which nearly all are: half the columns, half the server's time. */
async function recordDelivered(db: Kysely<Database>, rows: ResultRow[]): Promise<number> {
  const ofAttempt = ['fired_at', 'lateness_ms', 'duration_ms', 'http_status', 'answer'] as const;
  const { numAffectedRows } = await sql`
    UPDATE ${resultTable(rows, ['id', 'claim_id', 'wake_at', 'next_attempt_at', ...ofAttempt])}
    STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = UNHEX(r.id)
       SET t.status = 'done', t.reason = NULL, t.wake_at = r.wake_at, t.next_attempt_at = r.next_attempt_at,
           t.attempts = t.attempts + 1, t.lost = 0, t.error_code = NULL, t.error_message = NULL,
           ${sql.raw(ofAttempt.map((column) => `t.${column} = r.${column}`).join(', '))}
     WHERE ${isOpen}`.execute(db);
  // mysql2 asks for matched rows, not changed ones.
  return Number(numAffectedRows ?? 0);
}

async function updateTimers(db: Kysely<Database>, rows: ResultRow[]): Promise<number> {
  const columns = ['id', 'claim_id', 'status', 'reason', 'wake_at', 'next_attempt_at', 'attempted'] as const;
  const ofAttempt = ATTEMPT_COLUMNS.map((column) => `t.${column} = IF(r.attempted = 1, r.${column}, t.${column})`);
  const { numAffectedRows } = await sql`
    UPDATE ${resultTable(rows, [...columns, ...ATTEMPT_COLUMNS])}
    STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = UNHEX(r.id)
       SET t.status = r.status, t.reason = r.reason, t.wake_at = r.wake_at, t.next_attempt_at = r.next_attempt_at,
           t.send_started_at = IF(r.status = 'waiting', NULL, t.send_started_at),
           t.attempts = t.attempts + r.attempted, t.lost = IF(r.attempted = 1, 0, t.lost), ${sql.raw(ofAttempt.join(', '))}
     WHERE ${isOpen}`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** The fence is unique to the attempt, so a repetition after a lost answer finds its own row and leaves it. */
async function insertAttempts(db: Kysely<Database>, rows: ResultRow[]): Promise<void> {
  const columns = ['fence', 'run', 'attempt', ...ATTEMPT_COLUMNS] as const;
  await sql`
    INSERT IGNORE INTO attempts (timer_id, ${sql.raw(columns.join(', '))})
    SELECT t.id, ${sql.raw(columns.map((column) => `r.${column}`).join(', '))}
      FROM ${resultTable(rows, ['id', 'claim_id', ...columns])}
      STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = UNHEX(r.id)
     WHERE t.claim_id = UNHEX(r.claim_id)`.execute(db);
}

/** Which of the rows carry another claim by now; and which are of checks that began anew while they ran. */
export async function findLost(
  db: Kysely<Database>,
  rows: ResultRow[],
): Promise<{ lost: ResultRow[]; askedAgain: ResultRow[] }> {
  const { rows: found } = await sql<{ id: string; asked: number }>`
    SELECT r.id, ${isAskedAgain} AS asked FROM ${resultTable(rows, ['id', 'claim_id'])}
      STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = UNHEX(r.id)
     WHERE t.claim_id = UNHEX(r.claim_id) OR ${isAskedAgain}`.execute(db);
  const asked = new Map(found.map((row) => [row.id, row.asked === 1]));
  return {
    lost: rows.filter(({ id }) => !asked.has(id)),
    askedAgain: rows.filter(({ id }) => asked.get(id) === true),
  };
}

/** Has such checks due with the outcome that was waited for, though not before they were asked for. */
export async function bringForward(db: Kysely<Database>, rows: ResultRow[]): Promise<void> {
  if (rows.length === 0) return;
  const assignments = [...DUE_COLUMNS].map((name) => {
    const column = sql`t.${sql.ref(name)}`;
    return sql`${column} = LEAST(${column}, GREATEST(r.wake_at, t.created_at))`;
  });
  await sql`
    UPDATE ${resultTable(rows, ['id', 'wake_at'])}
    STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = UNHEX(r.id)
       SET ${sql.join(assignments)}
     WHERE ${isAskedAgain} AND t.status = 'waiting'`.execute(db);
}
