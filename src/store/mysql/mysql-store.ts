import { sql, type Kysely } from 'kysely';
import type { PresenceStore } from '../../presence/index.ts';
import type { Timer, TimerStore } from '../../timers/index.ts';
import { createDestinationStore } from '../destinations.ts';
import { createInsertQueue } from '../insert-queue.ts';
import { mysqlHints } from '../index-hints.ts';
import { insertKeyed } from '../insert-keyed.ts';
import { createKeyedQueue } from '../keyed-queue.ts';
import { createPresenceStore } from '../presence-store.ts';
import type { Database } from '../schema.ts';
import { toResultRows } from '../result-rows.ts';
import { createSharedVerbs } from '../shared-verbs.ts';
import { toRow } from '../timer-row.ts';
import { bytesToUuid } from '../uuid-bytes.ts';
import { expireSends, markSends } from './at-most-once.ts';
import { claim, pulse, releaseClaim, type LockingClause } from './claim.ts';
import { insertRows } from './insert.ts';
import { createKeyTables } from './key-tables.ts';
import { forgetObjects, keepSightings } from './objects.ts';
import { purgeIdempotencyKeys, purgeTimers } from './purge.ts';
import { queueChecks } from './queue-checks.ts';
import { bringForward, findLost, recordResults } from './record.ts';
import { createRetrying } from './retrying.ts';
import { READ_ONLY, refuseReadOnly } from './writability.ts';

/** Timers that go to the store together: a batch of the API, or of an import. */
const MAX_INSERTED = 1000;

/**
 * `api` and `scheduler` are connections of their own, so that requests cannot starve the scheduler. Janitor and presence
 * share those of requests. Both are closed with the store.
 */
export function createMysqlStore(deps: {
  api: Kysely<Database>;
  scheduler: Kysely<Database>;
  lockingClause: LockingClause;
}): TimerStore & PresenceStore {
  const { api, scheduler, lockingClause } = deps;
  const onApi = createRetrying(api);
  const onScheduler = createRetrying(scheduler);

  const inserts = createInsertQueue<Timer>({
    send: (timers) => onApi((db, again) => insertRows(db, timers.map(toRow), again)),
    maxTimers: MAX_INSERTED,
  });

  const keyedInserts = createKeyedQueue({
    send: (entries) =>
      onApi((connection, again) =>
        connection.transaction().execute((db) => insertKeyed(createKeyTables({ db, again }), entries, { again })),
      ),
    maxTimers: 500,
  });

  return {
    ...createSharedVerbs({
      hints: mysqlHints,
      keyTables: (db) => createKeyTables({ db, again: false }),
      onApi,
      onScheduler,
    }),
    purgeTimers: (status, stretch) => onApi((db) => purgeTimers(db, { status, ...stretch })),
    purgeIdempotencyKeys: (stretch) => onApi((db) => purgeIdempotencyKeys(db, stretch)),
    readClock: () =>
      onApi(async (db) => {
        const { rows } = await sql<{ now: string; readOnly: string | number }>`
          SELECT ${READ_ONLY} AS readOnly, UNIX_TIMESTAMP(NOW(6)) * 1000 AS now`.execute(db);
        await refuseReadOnly(db, rows[0]?.readOnly);
        return Number(rows[0]?.now);
      }),
    insert: (timers) => inserts.add(timers),
    insertKeyed: keyedInserts,
    pulse: (query) => onScheduler((db) => pulse(db, query)),
    // Never a second time on a new connection: the first may have taken rows already.
    claim: (query) => onScheduler((db) => claim(db, query, lockingClause), { reconnect: false }),
    releaseClaim: (held) => onScheduler((db) => releaseClaim(db, held)),
    markSends: (held, startedAt) => onScheduler((db) => markSends(db, held, startedAt)),
    expireSends: (query) => onScheduler((db) => expireSends(db, query, lockingClause)),
    record: (results) =>
      onScheduler(async (db) => {
        const rows = toResultRows(results);
        if ((await recordResults(db, rows)) === rows.length) return [];
        const { lost, askedAgain } = await findLost(db, rows);
        await bringForward(db, askedAgain);
        return lost.map(({ id }) => bytesToUuid(Buffer.from(id, 'hex')));
      }),
    ...createDestinationStore({ onApi, onScheduler }),
    ...createPresenceStore({
      hints: mysqlHints,
      run: onApi,
      queueChecks: (checks) =>
        onApi((connection) => connection.transaction().execute((db) => queueChecks(db, checks.map(toRow)))),
      keepSightings,
      forgetObjects,
    }),
    close: async () => {
      await Promise.all([api.destroy(), scheduler.destroy()]);
    },
  };
}
