import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { BadValue, Refusal } from '../../timers/index.ts';
import type { Database } from '../schema.ts';
import { classify } from './errors.ts';

/**
 * Another connection is asked for only within this from the call, and on one that is held another try is begun only within
 * this from when it was had: so all ends within the 5 s of `TimerStore` (see `ACQUIRE_MS` and `HOLD_MS`).
 */
const TRY_AGAIN_WITHIN_MS = 500;
const MAX_TRIES = 6;
const MAX_PAUSE_MS = 50;

type Retrying = <T>(
  operation: (db: Kysely<Database>, again: boolean) => Promise<T>,
  options?: { reconnect: boolean },
) => Promise<T>;

/**
 * Runs an operation on one connection, and within its deadline. What the database rolled back is done again; so is, once
 * and on another connection, what a broken one may or may not have done (then `again` is set), unless `reconnect` is false.
 * What does not come about is refused with `store_unavailable`; faults of a value are thrown as `BadValue`, those of the
 * statement itself as they are.
 */
export const createRetrying =
  (db: Kysely<Database>): Retrying =>
  async (operation, { reconnect } = { reconnect: true }) => {
    const startedAt = performance.now();
    for (let again = false; ; again = true) {
      try {
        return await db.connection().execute((connection) => untilNotRolledBack(() => operation(connection, again)));
      } catch (error) {
        const kind = classify(error);
        if (kind === 'bug') throw error;
        if (kind === 'value') throw new BadValue(error as Error);
        const isWorthwhile = kind === 'reconnect' && reconnect && !again;
        if (!isWorthwhile || performance.now() - startedAt >= TRY_AGAIN_WITHIN_MS) {
          throw new Refusal('store_unavailable', 'The database is not available.', { cause: error });
        }
        await pause();
      }
    }
  };

/** On the connection it has: whoever had to wait for one has as many tries as others. */
async function untilNotRolledBack<T>(operation: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      return await operation();
    } catch (error) {
      const isInTime = tries < MAX_TRIES && performance.now() - startedAt < TRY_AGAIN_WITHIN_MS;
      if (classify(error) !== 'repeat' || !isInTime) throw error;
      await pause();
    }
  }
}

const pause = () => delay(Math.random() * MAX_PAUSE_MS);
