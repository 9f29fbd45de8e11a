import type { Kysely } from 'kysely';
import { Refusal, type TimerChanges, type TimerLists, type TimerStore } from '../timers/index.ts';
import { cancelAll } from './cancel-all.ts';
import { changeTimer } from './change-timer.ts';
import { erasePayload } from './erase-payload.ts';
import { findByKey } from './find-by-key.ts';
import { findTimer } from './find-timer.ts';
import { findFinished } from './finished-timers.ts';
import type { IndexHints } from './index-hints.ts';
import type { KeyTables } from './key-tables.ts';
import { holdLease } from './leases.ts';
import { listTimers } from './list-timers.ts';
import { attemptsOf } from './logged-attempts.ts';
import { readBody } from './read-body.ts';
import { refuseSuperseded, replayAll } from './replay.ts';
import type { Run } from './run.ts';
import type { Database } from './schema.ts';

type SharedVerbs = TimerLists & TimerChanges & Pick<TimerStore, 'find' | 'findByKey' | 'readBody' | 'holdLease'>;

/** What all engines do by the same SQL. `onScheduler` runs what a send waits for, `onApi` all else. */
export function createSharedVerbs(deps: {
  hints: IndexHints;
  keyTables: (db: Kysely<Database>) => Pick<KeyTables, 'holdTimerKeys'>;
  onApi: Run;
  onScheduler: Run;
}): SharedVerbs {
  const { hints, keyTables, onApi, onScheduler } = deps;
  return {
    find: (id) => onApi((db) => findTimer(db, id)),
    findByKey: (query) => onApi((db) => findByKey(db, query)),
    readBody: (held) => onScheduler((db) => readBody(db, held)),
    list: (query, page) => onApi((db) => listTimers(db, hints, { query, ...page })),
    attemptsOf: (id, page) => onApi((db) => attemptsOf(db, { id, ...page })),
    findFinished: (ids) => onApi((db) => findFinished(db, hints, ids)),
    change: (seen, change) =>
      onApi((db, again) => {
        if (change.run === undefined) return changeTimer(db, hints, { seen, change, again });
        return db.transaction().execute(async (transaction) => {
          await refuseSuperseded(keyTables(transaction), seen);
          return changeTimer(transaction, hints, { seen, change, again });
        });
      }),
    cancelAll: (ids, query, given) =>
      onApi(async (db, again) => counted(await cancelAll(db, hints, { ids, query, ...given }), again)),
    replayAll: (ids, query, given) =>
      onApi((connection, again) =>
        connection
          .transaction()
          .execute(async (db) => counted(await replayAll(db, hints, keyTables(db), { ids, query, ...given }), again)),
      ),
    erasePayload: (id) => onApi((db) => erasePayload(db, hints, id)),
    holdLease: (lease) => onApi((db) => holdLease(db, hints, lease)),
  };
}

/** An earlier try, whose answer was lost, may have changed them all: then none is left, and nobody knows how many they were. */
function counted(changed: number, again: boolean): number {
  if (!again || changed > 0) return changed;
  throw new Refusal('store_unavailable', 'The database lost its answer; look which timers were changed.');
}
