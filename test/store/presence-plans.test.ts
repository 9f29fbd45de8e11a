import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CompiledQuery } from 'kysely';
import { checkOf } from '../../src/presence/check-timer.ts';
import { mysqlHints } from '../../src/store/index-hints.ts';
import { forgetObjects, keepSightings } from '../../src/store/mysql/objects.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { queueChecks } from '../../src/store/mysql/queue-checks.ts';
import { findObject, listObjects } from '../../src/store/objects.ts';
import { reviveChecks } from '../../src/store/checkers.ts';
import { toRow } from '../../src/store/timer-row.ts';
import { createDatabase, queryServer } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { T0 } from '../support/timers.ts';
import { explainRun, type PlanRow } from './explain.ts';
import { fillTimers } from './many-timers.ts';
import { connectTo, KINDS, type Db } from './mysql-under-test.ts';

const SIZES = [5, process.env.TEST_FULL === '1' ? 200_000 : 20_000];
const BATCH = 500;
const ids = Array.from({ length: BATCH }, (_, index) => String(index));
const checks = (now: number) => ids.map((id) => checkOf(id, { now, ttlMs: 30_000, deadlineMs: 10_000 }));

/** By the store's own code; of the checks and objects that it is about, half are there and half are not. */
const VERBS: [string, (db: Db) => Promise<unknown>][] = [
  ['checks queued', (db) => queueChecks(db, checks(T0 + 60_000).map(toRow))],
  [
    'checks revived',
    (db) => reviveChecks(db, mysqlHints, { action: 'object-check', leaseMs: 2000, deadlineMs: 2000, now: T0 - 1000 }),
  ],
  [
    'sightings',
    (db) =>
      keepSightings(
        db,
        ids.map((id) => ({ id, lastSeen: T0 })),
      ),
  ],
  ['objects forgotten', (db) => forgetObjects(db, { seenUntil: T0 + 60_000, limit: BATCH, farewellOf: () => [] })],
  ['an object', (db) => findObject(db, '7')],
  ['a list of objects', (db) => listObjects(db, { after: '7', limit: 51 })],
];

describe.each(KINDS)('On %s', (kind) => {
  describe.each(SIZES)('with %d timers and objects', (size) => {
    const sent: CompiledQuery[] = [];
    let db: Db;
    let drop: () => Promise<void>;

    beforeAll(async () => {
      const database = await createDatabase(kind);
      const settings = mysqlSettings(database.url);
      const store = await openMysqlStore(settings);
      await store.queueChecks(checks(T0).slice(BATCH / 2));
      await store.keepSightings(ids.slice(BATCH / 2).map((id) => ({ id, lastSeen: T0 })));
      await store.close();
      for (const statement of [
        `UPDATE timers SET status = IF(url < '/objects/3', 'executing', 'done')`,
        ...fillTimers('mysql', size),
        `INSERT INTO checkers VALUES ('0123456789abcdef', ${T0 - 2000})`,
        'INSERT INTO objects SELECT HEX(id), wake_at FROM timers',
        'INSERT INTO attempts SELECT id, 1, 0, 1, wake_at, 0, 1, 500, NULL, NULL, NULL FROM timers',
        'ANALYZE TABLE timers, attempts, objects',
      ])
        await queryServer(database.url, statement);
      db = connectTo(settings, { sent });
      drop = () => database.drop();
    }, 60_000);
    afterAll(async () => {
      await db.destroy();
      await drop();
    });

    it.each(VERBS)('%s take short ranges of the index that is meant', async (_, run) => {
      const plans = await explainRun(db, sent, run);
      const wrong = plans.flatMap(({ sql, rows }) =>
        rows.filter((row) => isWrong(row, size)).map((row) => ({ row, sql })),
      );
      expect(plans.flatMap(({ rows }) => rows).length).toBeGreaterThan(0);
      expect(wrong).toEqual([]);
    });
  });
});

const OURS = new Set(['timers', 't', 'attempts', 'a', 'objects', 'o']);
const INDEXES = new Set(['PRIMARY', 'wake', 'last_seen']);
const RANGES = new Set(['range', 'ref', 'eq_ref', 'const']);
/** In a table of a few rows the servers walk the forced index from its beginning. */
const FEW = 5;

function isWrong({ table, type, key, Extra, select_type }: PlanRow, size: number): boolean {
  if (!OURS.has(table ?? '') || select_type === 'INSERT') return false;
  if (!INDEXES.has(key ?? '')) return true;
  return size > FEW && (/filesort|temporary/.test(Extra ?? '') || !RANGES.has(type ?? ''));
}
