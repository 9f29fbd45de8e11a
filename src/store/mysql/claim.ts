import { sql, type Kysely } from 'kysely';
import type { ClaimedTimer, ClaimQuery, Pulse, PulseQuery } from '../../timers/index.ts';
import type { Database } from '../schema.ts';
import { CLAIMED_COLUMNS, fromClaimedRow, INLINE_BODY_BYTES, type ClaimedRow } from '../timer-row.ts';
import { uuidToBytes } from '../uuid-bytes.ts';
import { READ_ONLY, refuseReadOnly } from './writability.ts';

/** How a claim keeps others off the rows it looks at. Left out, it is slower and just as right: the fenced write decides. */
export type LockingClause = 'FOR UPDATE SKIP LOCKED' | '';

const FOREVER = Number.MAX_SAFE_INTEGER;

const columns = sql.raw(CLAIMED_COLUMNS.map((column) => `t.${column}`).join(', '));

/**
 * Each look is one dive into the hot index. It asks for the least because that leaves the optimiser no choice: with ORDER BY
 * and LIMIT, MySQL walks the index from its very beginning while its statistics say that the table is empty. The clock is
 * read last and as it is then (NOW() tells when the statement began): the fresher the reading, the better the estimate.
 */
export async function pulse(db: Kysely<Database>, query: PulseQuery): Promise<Pulse> {
  const first = (status: 'waiting' | 'executing', from: number, to: number) => sql`(
    SELECT MIN(wake_at) FROM timers FORCE INDEX (wake)
     WHERE status = ${status} AND wake_at >= ${from} AND wake_at <= ${to})`;
  const firstLease = query.leasesFrom === null ? sql`NULL` : first('executing', query.leasesFrom, FOREVER);
  type Look = { storeNow: string; readOnly: string | number } & Pick<Pulse, 'fresh' | 'backlog' | 'lease'>;
  const { rows } = await sql<Look>`
    SELECT ${first('waiting', query.freshFrom, query.freshTo)} AS fresh,
           ${first('waiting', query.backlogFrom, query.freshFrom - 1)} AS backlog,
           ${firstLease} AS lease,
           ${READ_ONLY} AS readOnly,
           UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS storeNow`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('A SELECT without FROM returns a row.');
  const { readOnly, storeNow, ...found } = row;
  await refuseReadOnly(db, readOnly);
  return { ...found, storeNow: Number(storeNow) };
}

/**
 * One autocommit statement, so no client that freezes can sit on row locks. The outer WHERE is what makes it right: it is
 * evaluated on the current version of the row, where a row that another claim has won no longer matches. SKIP LOCKED only
 * spares claimers from waiting for one another, which is why a server that ignores it does no harm.
 */
export async function claim(
  db: Kysely<Database>,
  query: ClaimQuery,
  lockingClause: LockingClause,
): Promise<ClaimedTimer[]> {
  const { from, wakeFrom, wakeTo, limit, leaseEndsAt } = query;
  const claimId = uuidToBytes(query.claimId);
  await sql`
    UPDATE (SELECT id FROM timers FORCE INDEX (wake)
             WHERE status = ${from} AND wake_at >= ${wakeFrom} AND wake_at <= ${wakeTo} AND send_started_at IS NULL
             ORDER BY wake_at, id LIMIT ${limit} ${sql.raw(lockingClause)}) due
    STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = due.id
       SET t.status = 'executing', t.claim_id = ${claimId}, t.wake_at = ${leaseEndsAt},
           t.fence = t.fence + 1, t.lost = t.lost + ${from === 'executing' ? 1 : 0}
     WHERE t.status = ${from} AND t.wake_at <= ${wakeTo}`.execute(db);
  const { rows } = await sql<ClaimedRow>`
    SELECT ${columns}, IF(t.body_bytes <= ${INLINE_BODY_BYTES}, t.body, NULL) AS body
      FROM timers t FORCE INDEX (wake)
     WHERE t.status = 'executing' AND t.wake_at = ${leaseEndsAt} AND t.claim_id = ${claimId}`.execute(db);
  return rows.map((row) => fromClaimedRow(row, query.claimId));
}

/** The rows stand together in the index at the lease's end, so this too is a short range. */
export async function releaseClaim(
  db: Kysely<Database>,
  { claimId, leaseEndsAt, now }: { claimId: string; leaseEndsAt: number; now: number },
): Promise<void> {
  await sql`
    UPDATE timers FORCE INDEX (wake)
       SET status = 'waiting', wake_at = GREATEST(next_attempt_at, ${now})
     WHERE status = 'executing' AND wake_at = ${leaseEndsAt} AND claim_id = ${uuidToBytes(claimId)}`.execute(db);
}
