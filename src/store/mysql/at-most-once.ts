import { sql, type Kysely } from 'kysely';
import type { HeldRow } from '../../timers/index.ts';
import type { Database } from '../schema.ts';
import { bytesToUuid, uuidToHex } from '../uuid-bytes.ts';
import type { LockingClause } from './claim.ts';
import { jsonTable } from './json-table.ts';

/** Returns the ids that are no longer ours; the others are marked, also those that an earlier, unanswered try has marked. */
export async function markSends(db: Kysely<Database>, held: HeldRow[], startedAt: number): Promise<string[]> {
  const rows = held.map(({ id, claimId }) => [uuidToHex(id), uuidToHex(claimId)]);
  const heldTable = sql`
    ${jsonTable({ id: 'CHAR(32)', claim_id: 'CHAR(32)' }, rows)}
    STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = UNHEX(r.id)`;
  const ours = sql`t.claim_id = UNHEX(r.claim_id) AND t.status = 'executing'`;
  const { numAffectedRows } = await sql`
    UPDATE ${heldTable} SET t.send_started_at = ${startedAt} WHERE ${ours}`.execute(db);
  if (Number(numAffectedRows) === held.length) return [];
  const { rows: kept } = await sql<{ id: Buffer }>`SELECT t.id FROM ${heldTable} WHERE ${ours}`.execute(db);
  const keptIds = new Set(kept.map(({ id }) => bytesToUuid(id)));
  return held.map(({ id }) => id).filter((id) => !keptIds.has(id));
}

/** The claim id stays, so an outcome that its holder still records is taken for what it is. */
export async function expireSends(
  db: Kysely<Database>,
  query: { wakeFrom: number; wakeTo: number; limit: number; now: number },
  lockingClause: LockingClause,
): Promise<number> {
  const { wakeFrom, wakeTo, limit, now } = query;
  const { numAffectedRows } = await sql`
    UPDATE (SELECT id FROM timers FORCE INDEX (wake)
             WHERE status = 'executing' AND wake_at >= ${wakeFrom} AND wake_at <= ${wakeTo} AND send_started_at IS NOT NULL
             ORDER BY wake_at, id LIMIT ${limit} ${sql.raw(lockingClause)}) expired
    STRAIGHT_JOIN timers t FORCE INDEX (PRIMARY) ON t.id = expired.id
       SET t.status = 'unknown', t.wake_at = ${now}
     WHERE t.status = 'executing' AND t.wake_at <= ${wakeTo}`.execute(db);
  return Number(numAffectedRows ?? 0);
}
