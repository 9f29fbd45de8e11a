import type { Kysely } from 'kysely';
import type { PresenceStore, SeenObject } from '../presence/index.ts';
import type { Timer } from '../timers/index.ts';
import { dropChecker, keepChecker, reviveChecks } from './checkers.ts';
import type { IndexHints } from './index-hints.ts';
import { findObject, listObjects } from './objects.ts';
import type { Run } from './run.ts';
import type { Database } from './schema.ts';
import { createWriteQueue } from './write-queue.ts';

/** Of a check or a sighting that waits, in memory. */
const ITEM_BYTES = 1024;
/** Rows that one statement or transaction writes. */
const BATCH = 500;

/** What the engines have in common. */
export function createPresenceStore(deps: {
  hints: IndexHints;
  run: Run;
  queueChecks: (checks: Timer[]) => Promise<void>;
  keepSightings: (db: Kysely<Database>, sightings: SeenObject[]) => Promise<void>;
  forgetObjects: (
    transaction: Kysely<Database>,
    query: Parameters<PresenceStore['forgetObjects']>[0],
  ) => Promise<number>;
}): Omit<PresenceStore, 'holdLease'> {
  const { hints, run, queueChecks, keepSightings, forgetObjects } = deps;
  const inBatches = { maxItems: BATCH, sizeOf: () => ITEM_BYTES };
  const checks = createWriteQueue<Timer>({ send: queueChecks, ...inBatches });
  const sightings = createWriteQueue<SeenObject>({
    send: (seen) => run((db) => keepSightings(db, seen)),
    ...inBatches,
  });
  return {
    queueChecks: (timers) => checks.add(timers),
    keepSightings: (seen) => sightings.add(seen),
    keepChecker: (checker) => run((db) => keepChecker(db, checker)),
    dropChecker: (replica) => run((db) => dropChecker(db, replica)),
    reviveChecks: (query) => run((db) => reviveChecks(db, hints, query)),
    findObject: (id) => run((db) => findObject(db, id)),
    listObjects: (page) => run((db) => listObjects(db, page)),
    forgetObjects: (query) =>
      run((connection) => connection.transaction().execute((transaction) => forgetObjects(transaction, query))),
  };
}
