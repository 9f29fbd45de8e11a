import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Kysely } from 'kysely';
import { systemClock } from '../../src/platform/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { Database } from '../../src/store/schema.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { openConnection, SqliteError } from '../../src/store/sqlite/connection.ts';
import { createSqliteDialect } from '../../src/store/sqlite/dialect.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { emptiedSqlite } from '../support/emptied-sqlite.ts';
import { claimOf, makeTimer, pulseOf, T0 } from '../support/timers.ts';
import { describeTimerStore } from './contract.ts';

const MIB = 1024 * 1024;

const contractFolder = mkdtempSync(join(tmpdir(), 'punctual-sqlite-'));
const openEmpty = emptiedSqlite(join(contractFolder, 'punctual.db'));
afterAll(() => rmSync(contractFolder, { recursive: true }));

describeTimerStore('SQLite', async () => {
  const store = await openEmpty({ clock: systemClock });
  return {
    store,
    replica: store,
    attempts: () => store.rows('SELECT * FROM attempts'),
    close: () => store.close(),
  };
});

describe('A SQLite file', () => {
  let folder: string;
  const path = () => join(folder, 'punctual.db');
  const open = () => openSqliteStore({ engine: 'sqlite', file: path() }, { clock: systemClock });

  /** With the connection in the test's own hands. */
  async function openByHand() {
    const connection = await openConnection(path());
    const db = new Kysely<Database>({ dialect: createSqliteDialect(connection) });
    await migrate(db, 'sqlite');
    return { connection, store: createSqliteStore({ connection, db, clock: systemClock }) };
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'punctual-sqlite-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('is refused to a second process, with the remedy', async () => {
    const store = await open();
    await expect(open()).rejects.toThrow(/in use by another process.*MySQL for several replicas/);
    await store.close();
  });

  it('that a newer version has changed is opened as before', async () => {
    await (await open()).close();
    const connection = await openConnection(path());
    const sql = `INSERT INTO schema_migrations VALUES ('9999-later', '2040-01-01T00:00:00.000Z')`;
    await connection.run([{ sql, rows: [[]] }]);
    await connection.close();

    await (await open()).close();
  });

  it('gives back at start what a dead process held, and counts the lost lease', async () => {
    const store = await open();
    const timer = makeTimer();
    await store.insert([timer]);
    await store.claim(claimOf());
    await store.close();

    const restarted = await open();

    expect(await restarted.find(timer.id)).toMatchObject({ status: 'waiting', wakeAt: T0, lost: 1, attempts: 0 });
    await restarted.close();
  });

  it('ends at start as unknown what a dead process had begun to send at most once', async () => {
    const store = await open();
    const timer = makeTimer({ delivery: 'at_most_once' });
    await store.insert([timer]);
    await store.markSends(await store.claim(claimOf()), T0);
    await store.close();

    const restarted = await open();

    expect(await restarted.find(timer.id)).toMatchObject({ status: 'unknown', sendStartedAt: T0 });
    await restarted.close();
  });

  it('has every commit on the disk before the answer', async () => {
    const connection = await openConnection(path());
    const [synchronous, journal] = await connection.run([
      { sql: 'PRAGMA synchronous', rows: [[]] },
      { sql: 'PRAGMA journal_mode', rows: [[]] },
    ]);
    expect(synchronous?.rows).toEqual([{ synchronous: 2 }]);
    expect(journal?.rows).toEqual([{ journal_mode: 'wal' }]);
    await connection.close();
  });

  it('on a full disk refuses what it has no room for as a store that is away, and works again when there is some', async () => {
    const { store, connection } = await openByHand();
    const pragma = async (sql: string) => {
      const [result] = await connection.run([{ sql: `PRAGMA ${sql}`, rows: [[]] }]);
      return Object.values(result?.rows[0] ?? {})[0] as number;
    };
    const usual = await pragma('max_page_count');
    await pragma(`max_page_count = ${await pragma('page_count')}`);
    const large = { body: Buffer.alloc(MIB), bodyBytes: MIB };
    const keyed = { timer: makeTimer({ ...large, key: 'k' }), idempotency: null };

    await expect(store.insert([makeTimer(large)])).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(store.insertKeyed([keyed])).rejects.toMatchObject({ code: 'store_unavailable' });

    await pragma(`max_page_count = ${usual}`);
    expect(await store.insertKeyed([keyed])).toMatchObject([{ kind: 'created' }]);
    await store.close();
  });

  it('on a full disk is told of as away by looks too, until something can be written again', async () => {
    const { store, connection } = await openByHand();
    const pragma = (sql: string) => connection.run([{ sql: `PRAGMA ${sql}`, rows: [[]] }]);
    await store.insert([makeTimer()]);
    await pragma('query_only = 1');

    await expect(store.insert([makeTimer()])).rejects.toMatchObject({ cause: { code: 'SQLITE_READONLY' } });
    await expect(store.pulse(pulseOf())).rejects.toMatchObject({ code: 'store_unavailable' });

    await pragma('query_only = 0');
    await store.pulse(pulseOf());
    await store.close();
  });

  it('that was moved or deleted takes nothing more, as it would be lost, until it is back', async () => {
    const store = await open();
    const timer = makeTimer();
    await store.insert([timer]);

    renameSync(path(), `${path()}.elsewhere`);
    for (const refused of [store.insert([makeTimer()]), store.pulse(pulseOf())]) {
      await expect(refused).rejects.toMatchObject({ cause: { message: expect.stringMatching(/moved.*Put it back/) } });
    }
    renameSync(`${path()}.elsewhere`, path());

    await store.insert([makeTimer()]);
    expect(await store.find(timer.id)).toBeDefined();
    await store.close();
  });

  it('whose first start, or upgrade, was cut off anywhere is as it was before, and starts', async () => {
    for (let most = 1, isCutOff = true; isCutOff; most += 7) {
      rmSync(path(), { force: true });
      const connection = await openConnection(path());
      let said = 0;
      const run: typeof connection.run = (...job) =>
        ++said > most
          ? Promise.reject(new SqliteError({ message: 'disk I/O error', errcode: 10 }))
          : connection.run(...job);
      const db = new Kysely<Database>({
        dialect: createSqliteDialect({
          ...connection,
          acquire: () => Promise.resolve({ run, release: () => undefined }),
        }),
      });
      isCutOff = await migrate(db, 'sqlite').then(
        () => false,
        () => true,
      );
      await connection.close();

      await (await open()).close();
    }
  });

  it('that has been closed is a store that is away, and can be closed again', async () => {
    const { store, connection } = await openByHand();
    await connection.close();
    const entry = { timer: makeTimer({ key: 'k' }), idempotency: null };

    for (const refused of [store.find(entry.timer.id), store.insert([makeTimer()]), store.insertKeyed([entry])]) {
      await expect(refused).rejects.toMatchObject({ code: 'store_unavailable' });
    }

    await store.close();
  });

  it('that cannot be opened is named together with the setting', async () => {
    await expect(openSqliteStore({ engine: 'sqlite', file: folder }, { clock: systemClock })).rejects.toThrow(
      /cannot be used.*DATABASE_URL/,
    );
  });

  it('in a folder that cannot be made is refused at once, and one in folders that can be is made with them', async () => {
    const nowhere = openSqliteStore({ engine: 'sqlite', file: '/proc/nowhere/punctual.db' }, { clock: systemClock });
    await expect(nowhere).rejects.toThrow(/cannot be used.*DATABASE_URL/);
    const file = join(folder, 'new/and/deep/punctual.db');
    await (await openSqliteStore({ engine: 'sqlite', file }, { clock: systemClock })).close();
    expect(existsSync(file)).toBe(true);
  });
});
