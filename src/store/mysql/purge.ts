import { sql, type Kysely } from 'kysely';
import type { Purged, Stretch, TimerStatus } from '../../timers/index.ts';
import { purgeBatch, purgedBytes } from '../purge-batch.ts';
import type { Database } from '../schema.ts';

/**
 * Looks without locks, then deletes by primary key: locks are held on finished rows alone and for one statement. What the
 * look saw is checked again in the write, for a replay may have come in between.
 */
export async function purgeTimers(
  db: Kysely<Database>,
  { status, from, before, limit }: Stretch & { status: TimerStatus },
): Promise<Purged> {
  const { rows } = await sql<{ id: Buffer; ended_at: number; bytes: number }>`
    SELECT id, wake_at AS ended_at, ${purgedBytes} AS bytes FROM timers FORCE INDEX (wake)
     WHERE status = ${status} AND wake_at >= ${from} AND wake_at < ${before}
     ORDER BY wake_at, id LIMIT ${limit}`.execute(db);
  const { batch, next } = purgeBatch(rows, limit);
  if (batch.length === 0) return { count: 0, next };
  const ids = batch.map(({ id }) => id).sort((a, b) => a.compare(b));
  await sql`
    DELETE t, a, k FROM timers AS t FORCE INDEX (PRIMARY)
      LEFT JOIN attempts AS a FORCE INDEX (PRIMARY) ON a.timer_id = t.id
      LEFT JOIN timer_keys AS k FORCE INDEX (PRIMARY) ON k.owner = CAST(COALESCE(t.owner, '') AS BINARY)
                               AND k.timer_key = CAST(t.timer_key AS BINARY) AND k.timer_id = t.id
     WHERE t.id IN (${sql.join(ids)}) AND t.status = ${status} AND t.wake_at < ${before}`.execute(db);
  return { count: batch.length, next };
}

/** By primary key too: through the index alone it would take locks in the opposite order to a request that uses the key anew. */
export async function purgeIdempotencyKeys(db: Kysely<Database>, { from, before, limit }: Stretch): Promise<Purged> {
  const { rows } = await sql<{ owner: Buffer; idem_key: Buffer; ended_at: number; bytes: number }>`
    SELECT owner, idem_key, expires_at AS ended_at, 0 AS bytes FROM idempotency_keys FORCE INDEX (expires)
     WHERE expires_at >= ${from} AND expires_at < ${before}
     ORDER BY expires_at LIMIT ${limit}`.execute(db);
  const { batch, next } = purgeBatch(rows, limit);
  if (batch.length === 0) return { count: 0, next };
  const keys = batch.map(({ owner, idem_key }) => sql`(${owner}, ${idem_key})`);
  await sql`
    DELETE k FROM idempotency_keys AS k FORCE INDEX (PRIMARY)
     WHERE (k.owner, k.idem_key) IN (${sql.join(keys)}) AND k.expires_at < ${before}`.execute(db);
  return { count: batch.length, next };
}
