import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { PresenceStore } from '../presence/index.ts';
import { ASKED_AGAIN } from './check-rows.ts';
import type { IndexHints } from './index-hints.ts';
import type { Database } from './schema.ts';
import { uuidToBytes } from './uuid-bytes.ts';

const BATCH = 500;

export async function keepChecker(
  db: Kysely<Database>,
  { replica, aliveUntil }: { replica: string; aliveUntil: number },
): Promise<void> {
  await db
    .replaceInto('checkers')
    .values({ replica: uuidToBytes(replica), alive_until: aliveUntil })
    .execute();
}

export async function dropChecker(db: Kysely<Database>, replica: string): Promise<void> {
  await db.deleteFrom('checkers').where('replica', '=', uuidToBytes(replica)).execute();
}

/**
 * Looks without locks at what was claimed while the dead still lived, and at what waits for the outcome of such a claim, and
 * writes by primary key. Nothing tells whose the rows are: those of the living are put back too, who adopt them, or look
 * twice. A result of the former holder finds its row waiting, or claimed by another, and is dropped.
 */
export async function reviveChecks(
  db: Kysely<Database>,
  hints: IndexHints,
  { action, leaseMs, deadlineMs, now }: Parameters<PresenceStore['reviveChecks']>[0],
): Promise<number> {
  const dead = await db.selectFrom('checkers').selectAll().where('alive_until', '<', now).execute();
  if (dead.length === 0) return 0;
  const leaseUntil = Math.max(...dead.map((checker) => checker.alive_until)) + leaseMs;
  const isTheirs = sql`
    t.status = 'executing' AND t.wake_at >= ${now} AND t.wake_at <= ${leaseUntil} AND t.action = ${action}`;
  const waitsForTheirs = sql`
    t.status = 'waiting' AND t.wake_at > ${now} AND t.wake_at <= ${now + deadlineMs} AND t.action = ${action}
    AND t.claim_id = ${sql.raw(ASKED_AGAIN)}`;
  let revived = 0;
  let isAll = true;
  for (const condition of [isTheirs, waitsForTheirs]) {
    const { rows } = await sql<{ id: Uint8Array }>`
      SELECT t.id FROM timers AS t ${hints.index('wake')} WHERE ${condition} LIMIT ${BATCH}`.execute(db);
    const ids = rows.map(({ id }) => id);
    if (ids.length > 0) revived += await putBack(db, hints, { ids, condition, now });
    isAll &&= ids.length < BATCH;
  }
  // Last: whoever dies in between leaves them to be found again.
  if (isAll) {
    for (const { replica } of dead) {
      await db.deleteFrom('checkers').where('replica', '=', replica).where('alive_until', '<', now).execute();
    }
  }
  return revived;
}

async function putBack(
  db: Kysely<Database>,
  hints: IndexHints,
  { ids, condition, now }: { ids: Uint8Array[]; condition: RawBuilder<unknown>; now: number },
): Promise<number> {
  const sorted = ids.map((id) => Buffer.from(id)).sort((a, b) => a.compare(b));
  const { numAffectedRows } = await sql`
    UPDATE timers AS t ${hints.index('PRIMARY')} SET status = 'waiting', wake_at = ${now}, next_attempt_at = ${now},
           due_at = CASE WHEN due_at > ${now} THEN ${now} ELSE due_at END
     WHERE t.id IN (${sql.join(sorted)}) AND ${condition}`.execute(db);
  return Number(numAffectedRows ?? 0);
}
