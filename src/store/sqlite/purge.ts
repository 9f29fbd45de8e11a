import { sql, type Kysely } from 'kysely';
import type { Purged, Stretch, TimerStatus } from '../../timers/index.ts';
import { purgeBatch, purgedBytes } from '../purge-batch.ts';
import type { Database } from '../schema.ts';

/** In one transaction, and there is one writer: what the look saw still stands when the rows are deleted. */
export async function purgeTimers(
  db: Kysely<Database>,
  { status, from, before, limit }: Stretch & { status: TimerStatus },
): Promise<Purged> {
  return db.transaction().execute(async (transaction) => {
    const { rows } = await sql<{ id: Uint8Array; ended_at: number; bytes: number }>`
      SELECT id, wake_at AS ended_at, ${purgedBytes} AS bytes FROM timers INDEXED BY wake
       WHERE status = ${status} AND wake_at >= ${from} AND wake_at < ${before}
       ORDER BY wake_at, id LIMIT ${limit}`.execute(transaction);
    const { batch, next } = purgeBatch(rows, limit);
    if (batch.length === 0) return { count: 0, next };
    const ids = sql.join(batch.map(({ id }) => id));
    await sql`DELETE FROM attempts WHERE timer_id IN (${ids})`.execute(transaction);
    await sql`
      DELETE FROM timer_keys
       WHERE (owner, timer_key, timer_id) IN
             (SELECT CAST(COALESCE(owner, '') AS BLOB), CAST(timer_key AS BLOB), id FROM timers WHERE id IN (${ids}))`.execute(
      transaction,
    );
    await sql`DELETE FROM timers WHERE id IN (${ids})`.execute(transaction);
    return { count: batch.length, next };
  });
}

export async function purgeIdempotencyKeys(db: Kysely<Database>, { from, before, limit }: Stretch): Promise<Purged> {
  const { rows } = await sql<{ ended_at: number; bytes: number }>`
    DELETE FROM idempotency_keys
     WHERE (owner, idem_key) IN (SELECT owner, idem_key FROM idempotency_keys INDEXED BY expires
                                  WHERE expires_at >= ${from} AND expires_at < ${before}
                                  ORDER BY expires_at LIMIT ${limit})
    RETURNING expires_at AS ended_at, 0 AS bytes`.execute(db);
  const { batch, next } = purgeBatch(
    rows.toSorted((a, b) => a.ended_at - b.ended_at),
    limit,
  );
  return { count: batch.length, next };
}
