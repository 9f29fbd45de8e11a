import { sql, type Kysely, type Transaction } from 'kysely';
import type { Database } from '../schema.ts';

/** `ignores`: the clause is read and does nothing, or the second one waits. `refuses`: it is a syntax error. */
export type SkippingOfLocks = 'skips' | 'ignores' | 'refuses';

/** Syntax error, feature not supported, and what TiDB and Vitess call everything else. */
const NOT_UNDERSTOOD = new Set([1064, 1235, 1105]);
const LOCK_WAIT_TIMEOUT = 1205;

/**
 * Whether rows that one transaction holds are really left out of what another one finds. The rows are those that tell of
 * migrations: they are always there, and nobody waits for them. `db` needs two connections.
 */
export async function trySkipLocked(db: Kysely<Database>): Promise<SkippingOfLocks> {
  const holder = await db.startTransaction().execute();
  try {
    // None at all: another replica is trying the same, and we have just left out its rows.
    if ((await lockedBy(holder)) === 0) return 'skips';
    const rival = await db.startTransaction().execute();
    try {
      return (await lockedBy(rival)) === 0 ? 'skips' : 'ignores';
    } finally {
      await rival.rollback().execute();
    }
  } catch (error) {
    const errno = (error as { errno?: number }).errno ?? 0;
    if (NOT_UNDERSTOOD.has(errno)) return 'refuses';
    if (errno === LOCK_WAIT_TIMEOUT) return 'ignores';
    throw error;
  } finally {
    await holder.rollback().execute();
  }
}

async function lockedBy(transaction: Transaction<Database>): Promise<number> {
  const { rows } = await sql`SELECT name FROM schema_migrations FOR UPDATE SKIP LOCKED`.execute(transaction);
  return rows.length;
}
