import type { Kysely } from 'kysely';
import type { LoggedAttempt } from '../timers/index.ts';
import type { AttemptRow, Database } from './schema.ts';
import { uuidToBytes } from './uuid-bytes.ts';

export async function attemptsOf(
  db: Kysely<Database>,
  { id, afterFence, limit }: { id: string; afterFence: number; limit: number },
): Promise<LoggedAttempt[]> {
  const rows = await db
    .selectFrom('attempts')
    .selectAll()
    .where('timer_id', '=', uuidToBytes(id))
    .where('fence', '>', afterFence)
    .orderBy('fence')
    .limit(limit)
    .execute();
  return rows.map(fromAttemptRow);
}

const fromAttemptRow = (row: AttemptRow): LoggedAttempt => ({
  run: row.run,
  number: row.attempt,
  fence: row.fence,
  firedAt: row.fired_at,
  latenessMs: row.lateness_ms,
  durationMs: row.duration_ms,
  httpStatus: row.http_status,
  errorCode: row.error_code,
  errorMessage: row.error_message,
  answer: row.answer,
});
