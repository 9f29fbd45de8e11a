import type { Kysely } from 'kysely';
import type { Clock } from '../../platform/index.ts';
import type { PresenceStore } from '../../presence/index.ts';
import { BadValue, Refusal, type Pulse, type Timer, type TimerStore } from '../../timers/index.ts';
import { createDestinationStore } from '../destinations.ts';
import { sqliteHints } from '../index-hints.ts';
import { insertKeyed } from '../insert-keyed.ts';
import { createInsertQueue } from '../insert-queue.ts';
import { createKeyedQueue } from '../keyed-queue.ts';
import { createPresenceStore } from '../presence-store.ts';
import { toResultRows, type ResultRow } from '../result-rows.ts';
import type { Run } from '../run.ts';
import type { Database } from '../schema.ts';
import { createSharedVerbs } from '../shared-verbs.ts';
import { fromClaimedRow, toRow, type ClaimedRow } from '../timer-row.ts';
import { bytesToUuid, uuidToBytes } from '../uuid-bytes.ts';
import { ConnectionClosed, SqliteError, type SqliteConnection } from './connection.ts';
import { createKeyTables } from './key-tables.ts';
import { forgetObjects, keepSightings } from './objects.ts';
import { purgeIdempotencyKeys, purgeTimers } from './purge.ts';
import { queueChecks } from './queue-checks.ts';
import * as statements from './statements.ts';

/** Primary result codes that tell of the file or the disk, not of the statement: BUSY, LOCKED, NOMEM, READONLY, … FULL, CANTOPEN. */
const STORE_FAULTS = new Set([5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 26]);

/** Of them those that a write meets with: READONLY, IOERR, FULL. A look may go well all the same. */
const WRITE_FAULTS = new Set([8, 10, 13]);

/** Those that tell of a value: TOOBIG, CONSTRAINT, MISMATCH. */
const VALUE_FAULTS = new Set([18, 19, 20]);

export function createSqliteStore(deps: {
  connection: SqliteConnection;
  db: Kysely<Database>;
  clock: Clock;
}): TimerStore & PresenceStore {
  const { connection, db, clock } = deps;
  /** Whether the last that was refused was a write; a look tells of it too, until one comes about. */
  let takesNoWrites = false;
  const onDb: Run = (operation) => translated(() => operation(db, false));

  const inserts = createInsertQueue<Timer>({
    send: (timers) => translated(() => insertRows(timers)),
    maxTimers: 1000,
  });

  const keyedInserts = createKeyedQueue({
    send: (entries) =>
      translated(() =>
        db.transaction().execute((transaction) => insertKeyed(createKeyTables({ db: transaction }), entries)),
      ),
    maxTimers: 1000,
  });

  async function translated<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      const result = error instanceof SqliteError && error.errcode !== null ? error.errcode & 0xff : NaN;
      if (WRITE_FAULTS.has(result)) takesNoWrites = true;
      if (VALUE_FAULTS.has(result)) throw new BadValue(error as Error);
      if (!STORE_FAULTS.has(result) && !(error instanceof ConnectionClosed)) throw error;
      throw new Refusal('store_unavailable', 'The database is not available.', { cause: error });
    }
  }

  async function insertRows(timers: Timer[]): Promise<void> {
    const rows = timers.map(toRow);
    const [first] = rows;
    if (first === undefined) return;
    const sql = statements.insertTimer(Object.keys(first) as (keyof typeof first)[]);
    await connection.run([{ sql, rows: rows.map((row) => Object.values(row) as unknown[]) }], { transaction: true });
  }

  async function execute<T>(sql: string, parameters: unknown[]): Promise<T[]> {
    const [result] = await connection.run([{ sql, rows: [parameters] }]);
    return (result?.rows ?? []) as T[];
  }

  return {
    ...createSharedVerbs({
      hints: sqliteHints,
      keyTables: (transaction) => createKeyTables({ db: transaction }),
      onApi: onDb,
      onScheduler: onDb,
    }),
    purgeTimers: (status, stretch) => translated(() => purgeTimers(db, { status, ...stretch })),
    purgeIdempotencyKeys: (stretch) => translated(() => purgeIdempotencyKeys(db, stretch)),
    readClock: () => Promise.resolve(clock.now()),
    insert: (timers) => inserts.add(timers),
    insertKeyed: keyedInserts,
    pulse: (query) =>
      translated(async () => {
        if (takesNoWrites) await execute(statements.WRITE_SOMETHING, []);
        takesNoWrites = false;
        const { freshFrom, freshTo, backlogFrom, leasesFrom } = query;
        const looks = [freshFrom, freshTo, backlogFrom, freshFrom - 1, leasesFrom];
        const [row] = await execute<Omit<Pulse, 'storeNow'>>(statements.PULSE, looks);
        if (row === undefined) throw new Error('A SELECT without FROM returns a row.');
        return { ...row, storeNow: clock.now() };
      }),
    claim: ({ from, wakeFrom, wakeTo, limit, claimId, leaseEndsAt }) =>
      translated(async () => {
        const lost = from === 'executing' ? 1 : 0;
        const parameters = [uuidToBytes(claimId), leaseEndsAt, lost, from, wakeFrom, wakeTo, limit];
        const rows = await execute<ClaimedRow>(statements.CLAIM, parameters);
        return rows.map((row) => fromClaimedRow(row, claimId));
      }),
    releaseClaim: ({ claimId, leaseEndsAt, now }) =>
      translated(async () => {
        await execute(statements.RELEASE_CLAIM, [now, leaseEndsAt, uuidToBytes(claimId)]);
      }),
    markSends: (held, startedAt) =>
      translated(async () => {
        const rows = held.map(({ id, claimId }) => [startedAt, uuidToBytes(id), uuidToBytes(claimId)]);
        const [marked] = await connection.run([{ sql: statements.MARK_SEND, rows }], { transaction: true });
        const ours = new Set((marked?.rows as { id: Uint8Array }[]).map(({ id }) => bytesToUuid(id)));
        return held.map(({ id }) => id).filter((id) => !ours.has(id));
      }),
    expireSends: ({ wakeFrom, wakeTo, limit, now }) =>
      translated(async () => {
        const [expired] = await connection.run([
          { sql: statements.EXPIRE_SENDS, rows: [[now, wakeFrom, wakeTo, limit]] },
        ]);
        return expired?.changes ?? 0;
      }),
    record: (results) =>
      translated(async () => {
        const rows = toResultRows(results);
        const [updated] = await connection.run(recordStatements(rows), { transaction: true });
        if (updated?.changes === rows.length) return [];
        const looks = [
          { sql: statements.BRING_FORWARD, rows: rows.map((row) => [row]) },
          { sql: statements.FIND_LOST, rows: [[JSON.stringify(rows)]] },
        ];
        const [, lost] = await connection.run(looks, { transaction: true });
        return (lost?.rows as { id: string }[]).map(({ id }) => bytesToUuid(Buffer.from(id, 'hex')));
      }),
    ...createDestinationStore({ onApi: onDb, onScheduler: onDb }),
    ...createPresenceStore({
      hints: sqliteHints,
      run: onDb,
      queueChecks: (checks) => translated(() => queueChecks(connection, checks.map(toRow))),
      keepSightings,
      forgetObjects,
    }),
    close: () => db.destroy(),
  };
}

function recordStatements(rows: ResultRow[]) {
  const logged = rows.filter((row) => row.logged === 1);
  return [
    { sql: statements.RECORD_RESULT, rows: rows.map((row) => [row]) },
    { sql: statements.INSERT_ATTEMPT, rows: logged.map((row) => [row]) },
  ];
}
