import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkOf } from '../../src/presence/check-timer.ts';
import { insertRows } from '../../src/store/mysql/insert.ts';
import { toRow } from '../../src/store/timer-row.ts';
import { eventually } from '../support/eventually.ts';
import type { StatementFault } from '../support/fault-proxy.ts';
import { claimOf, makeTimer, makeTimers, resultOf, T0 } from '../support/timers.ts';
import { connectTo, KINDS, openFaultyStore, type FaultyStore } from './mysql-under-test.ts';

const CLAIM = /UPDATE \(SELECT id FROM timers/;
const CLAIM_READ = /FROM timers t FORCE INDEX \(wake\)/;
const INSERT = /INSERT INTO timers/;
const RECORD = /UPDATE\s+JSON_TABLE/;
const LOOK_FOR_LOST = /SELECT r\.id/;
const BRING_FORWARD = /LEAST\(/;
const COMMIT = /commit$/;
const UNAVAILABLE = { code: 'store_unavailable' };

describe.each(KINDS)('On %s', (kind) => {
  let opened: FaultyStore;
  let store: FaultyStore['store'];

  beforeEach(async () => {
    opened = await openFaultyStore(kind);
    store = opened.store;
  });
  afterEach(() => opened.close());

  const countOf = async (table: string) => Number((await opened.query(`SELECT COUNT(*) AS n FROM ${table}`))[0]?.n);
  const heldBy = async (claimId: string) =>
    opened.query(
      `SELECT id FROM timers WHERE claim_id = UNHEX('${claimId.replaceAll('-', '')}') AND status = 'executing'`,
    );

  const waitingInserts = async ({ without = 'nothing' } = {}) => {
    const statements = `SELECT COUNT(*) AS n FROM information_schema.processlist
                         WHERE db = '${opened.database.name}' AND info LIKE 'INSERT INTO timers%'
                           AND info NOT LIKE '%${without}%'`;
    return Number((await opened.query(statements))[0]?.n);
  };

  describe('a claim', () => {
    it.each([
      ['was written', CLAIM],
      ['was written and whose rows were read', CLAIM_READ],
    ])('that %s, but whose answer was lost, returns nothing and can be handed back', async (_, statement) => {
      await store.insert(makeTimers(20));
      const query = claimOf();
      const lost = opened.proxy.once(statement, 'lose the answer');

      await expect(store.claim(query)).rejects.toMatchObject(UNAVAILABLE);
      await lost;

      expect(await heldBy(query.claimId)).toHaveLength(20);
      await store.releaseClaim({ ...query, now: T0 });
      expect(await heldBy(query.claimId)).toEqual([]);
      expect(await store.claim(claimOf())).toHaveLength(20);
    });

    it('is not written a second time when its answer was lost, for the first may hold rows', async () => {
      await store.insert(makeTimers(20));
      const query = claimOf({ limit: 5 });
      const lost = opened.proxy.once(CLAIM, 'lose the answer');

      await expect(store.claim(query)).rejects.toMatchObject(UNAVAILABLE);
      await lost;

      expect(await heldBy(query.claimId)).toHaveLength(5);
    });
  });

  describe('an insert', () => {
    it.each(['lose the statement', 'lose the answer'] satisfies StatementFault[])(
      'that meets "%s" stores each of its timers once and says so',
      async (fault) => {
        const happened = opened.proxy.once(INSERT, fault);

        await store.insert(makeTimers(300));
        await happened;

        expect(await countOf('timers')).toBe(300);
      },
    );

    it('whose first try is still under way on the server stores each of its timers once', async () => {
      const timers = makeTimers(50);
      const other = connectTo(opened.direct);
      const transaction = await other.startTransaction().execute();
      await insertRows(transaction, timers.slice(49).map(toRow), false);

      const inserting = store.insert(timers);
      await eventually(async () => (await waitingInserts()) === 1);
      opened.proxy.cut();
      await eventually(async () => (await waitingInserts()) === 2);
      await transaction.rollback().execute();
      await inserting;

      expect(await countOf('timers')).toBe(50);
      await other.destroy();
    });

    it('of checks that others store meanwhile, one after the other, stores each of them once', async () => {
      const checks = ['1', '2', '3'].map((id) => checkOf(id, { now: T0, ttlMs: 30_000, deadlineMs: 10_000 }));
      checks.sort((a, b) => (a.id < b.id ? -1 : 1));
      const others = await Promise.all(
        checks.slice(1).map(async (check) => {
          const db = connectTo(opened.direct);
          const transaction = await db.startTransaction().execute();
          await insertRows(transaction, [toRow(check)], false);
          return { url: check.url, db, transaction };
        }),
      );

      const storing = store.queueChecks(checks);
      let stored = 'none yet';
      for (const { url, db, transaction } of others) {
        await eventually(async () => (await waitingInserts({ without: stored })) === 1);
        await transaction.commit().execute();
        await db.destroy();
        stored = url;
      }
      await storing;

      expect(await countOf('timers')).toBe(3);
    });

    it('meets a connection that was lost since its last use, and stores its timers all the same', async () => {
      await store.insert([makeTimer()]);
      opened.proxy.cut();
      await store.insert(makeTimers(3));
      expect(await countOf('timers')).toBe(4);
    });
  });

  describe('a record', () => {
    async function claimed(count: number) {
      await store.insert(makeTimers(count));
      return store.claim(claimOf());
    }

    it.each([
      ['UPDATE', RECORD],
      ['COMMIT', COMMIT],
    ])('whose %s was answered to nobody is counted once', async (_, statement) => {
      const held = await claimed(40);
      const results = held.map((row) =>
        resultOf(row, { status: 'waiting', wakeAt: T0 + 9000, nextAttemptAt: T0 + 9000 }),
      );
      const lost = opened.proxy.once(statement, 'lose the answer');

      expect(await store.record(results)).toEqual([]);
      await lost;

      expect(
        await opened.query('SELECT status, attempts, COUNT(*) AS n FROM timers GROUP BY status, attempts'),
      ).toEqual([{ status: 'waiting', attempts: 1, n: 40 }]);
      expect(await countOf('attempts')).toBe(40);
    });

    it('is all there or not at all when the connection is cut before its COMMIT', async () => {
      const held = await claimed(10);
      const results = held.map((row) => resultOf(row, { status: 'failed', reason: 'gone' }));
      const happened = opened.proxy.once(COMMIT, 'lose the statement');

      expect(await store.record(results)).toEqual([]);
      await happened;

      expect(await countOf('attempts')).toBe(10);
      expect(await opened.query('SELECT DISTINCT status, attempts FROM timers')).toEqual([
        { status: 'failed', attempts: 1 },
      ]);
    });
  });

  describe('a check that was asked for while it ran', () => {
    const ask = (now: number) => store.queueChecks([checkOf('1', { now, ttlMs: 30_000, deadlineMs: 10_000 })]);
    const rows = () => opened.query('SELECT status, wake_at FROM timers');

    async function claimed() {
      await ask(T0);
      const [held] = await store.claim(claimOf());
      if (held === undefined) throw new Error('nothing was claimed');
      return held;
    }

    it.each(['lose the statement', 'lose the answer'] satisfies StatementFault[])(
      'comes again though the COMMIT of that met "%s"',
      async (fault) => {
        await claimed();
        const happened = opened.proxy.once(COMMIT, fault);

        await ask(T0 + 5);
        await happened;

        expect(await rows()).toEqual([{ status: 'waiting', wake_at: T0 + 10_005 }]);
      },
    );

    it.each([
      ['the record of what it came to', 'lose the answer', RECORD],
      ['the look for what was lost', 'lose the answer', LOOK_FOR_LOST],
      ['the statement for that', 'lose the statement', BRING_FORWARD],
      ['the statement for that', 'lose the answer', BRING_FORWARD],
    ] satisfies [string, StatementFault, RegExp][])(
      'is brought forward though %s met "%s"',
      async (_, fault, statement) => {
        const held = await claimed();
        await ask(T0 + 5);
        const happened = opened.proxy.once(statement, fault);

        expect(await store.record([resultOf(held)])).toEqual([]);
        await happened;

        expect(await rows()).toEqual([{ status: 'waiting', wake_at: T0 + 20 }]);
      },
    );
  });
});
