import type { Kysely } from 'kysely';
import type { TimerChanges, TimerLists, TimerRetention } from '../timers/index.ts';
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
    cancelAll: (ids, query, given) => run((db) => cancelAll(db, hints, { ids, query, ...given })),
    replayAll: (ids, query, given) =>
      run((connection) =>
        connection.transaction().execute((db) => replayAll(db, hints, keyTables(db), { ids, query, ...given })),
      ),
    erasePayload: (id) => run((db) => erasePayload(db, hints, id)),
    holdLease: (lease) => run((db) => holdLease(db, hints, lease)),
  };
}
