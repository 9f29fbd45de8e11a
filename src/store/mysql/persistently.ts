import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { Refusal } from '../../timers/index.ts';
import type { Database } from '../schema.ts';
import { classify } from './errors.ts';

/** Another try is begun only within this, so that it too ends within the API's 5 s (see `ACQUIRE_MS` and `HOLD_MS`). */
const TRY_AGAIN_WITHIN_MS = 500;
const MAX_TRIES = 6;
const MAX_PAUSE_MS = 50;

export type Persistently = <T>(
  operation: (db: Kysely<Database>, again: boolean) => Promise<T>,
  options?: { reconnect: boolean },
) => Promise<T>;

/**
 * Runs an operation on one connection, and within its deadline. What the database rolled back is done again; so is, once
 * and on another connection, what a broken one may or may not have done (then `again` is set), unless `reconnect` is false.
 * What does not come about is refused with `store_unavailable`; faults of the statement itself are thrown as they are.
 */
export const createPersistently =
  (db: Kysely<Database>): Persistently =>
  async (operation, { reconnect } = { reconnect: true }) => {
    const startedAt = performance.now();
    for (let tries = 1, reconnects = 0; ; tries++) {
      try {
        return await db.connection().execute((connection) => operation(connection, reconnects > 0));
      } catch (error) {
        const kind = classify(error);
        if (kind === 'bug') throw error;
        const worthwhile = kind === 'repeat' || (kind === 'reconnect' && reconnect && reconnects++ === 0);
        const inTime = performance.now() - startedAt < TRY_AGAIN_WITHIN_MS && tries < MAX_TRIES;
        if (!worthwhile || !inTime) {
          throw new Refusal('store_unavailable', 'The database is not available.', { cause: error });
        }
        await delay(Math.random() * MAX_PAUSE_MS);
      }
    }
  };
