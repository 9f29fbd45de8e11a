import type { Kysely } from 'kysely';
import { Refusal, type TimerChanges, type TimerLists, type TimerRetention } from '../timers/index.ts';
import { cancelAll } from './cancel-all.ts';
import { changeTimer } from './change-timer.ts';
import { erasePayload } from './erase-payload.ts';
import { findFinished } from './finished-timers.ts';
import type { IndexHints } from './index-hints.ts';
import type { KeyTables } from './key-tables.ts';
import { holdLease } from './leases.ts';
import { listTimers } from './list-timers.ts';
import { attemptsOf } from './logged-attempts.ts';
import { refuseSuperseded, replayAll } from './replay.ts';
import type { Database } from './schema.ts';

export type ClientVerbs = TimerLists & TimerChanges & Pick<TimerRetention, 'holdLease'>;

/** What clients look up and change, in SQL that all engines share. `run` is the engine's way with connections and errors. */
export function createClientVerbs(deps: {
  hints: IndexHints;
  keyTables: (db: Kysely<Database>) => Pick<KeyTables, 'holdTimerKeys'>;
  run: <T>(operation: (db: Kysely<Database>, again: boolean) => Promise<T>) => Promise<T>;
}): ClientVerbs {
  const { hints, keyTables, run } = deps;
  return {
    list: (query, page) => run((db) => listTimers(db, hints, { query, ...page })),
    attemptsOf: (id, page) => run((db) => attemptsOf(db, { id, ...page })),
    findFinished: (ids) => run((db) => findFinished(db, hints, ids)),
    change: (seen, change) =>
      run((db, again) => {
        if (change.run === undefined) return changeTimer(db, hints, { seen, change, again });
        return db.transaction().execute(async (transaction) => {
          await refuseSuperseded(keyTables(transaction), seen);
          return changeTimer(transaction, hints, { seen, change, again });
        });
      }),
    cancelAll: (ids, query, given) =>
      run(async (db, again) => counted(await cancelAll(db, hints, { ids, query, ...given }), again)),
    replayAll: (ids, query, given) =>
      run((connection, again) =>
        connection
          .transaction()
          .execute(async (db) => counted(await replayAll(db, hints, keyTables(db), { ids, query, ...given }), again)),
      ),
    erasePayload: (id) => run((db) => erasePayload(db, hints, id)),
    holdLease: (lease) => run((db) => holdLease(db, hints, lease)),
  };
}

/** An earlier try, whose answer was lost, may have changed them all: then none is left, and nobody knows how many they were. */
function counted(changed: number, again: boolean): number {
  if (!again || changed > 0) return changed;
  throw new Refusal('store_unavailable', 'The database lost its answer; look which timers were changed.');
}
