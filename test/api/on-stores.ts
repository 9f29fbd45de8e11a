import { afterAll, beforeAll, describe } from '@jest/globals';
import { Kysely } from 'kysely';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { ApiDeps } from '../../src/api/index.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { Database } from '../../src/store/schema.ts';
import { openConnection } from '../../src/store/sqlite/connection.ts';
import { createSqliteDialect } from '../../src/store/sqlite/dialect.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Timer, TimerStore } from '../../src/timers/index.ts';
import { createDatabase } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { apiUnderTest, standingClock } from './api-under-test.ts';

interface CountedStore {
  store: TimerStore;
  /** Further connections to the same database; the same store where there can be one process only. */
  replica: TimerStore;
  /** Rows in the table of timers. */
  count(): Promise<number>;
  close(): Promise<void>;
}

/** The API on a real store. */
export interface ApiOnStore extends CountedStore {
  /** The same one for all who want nothing special. */
  api(overrides?: Partial<ApiDeps>): ReturnType<typeof apiUnderTest>;
  stored(id: string): Promise<Timer>;
}

const engines: Record<string, () => Promise<CountedStore>> = {
  async SQLite() {
    const connection = await openConnection(':memory:');
    const db = new Kysely<Database>({ dialect: createSqliteDialect(connection) });
    await migrate(db, 'sqlite');
    const store = createSqliteStore({ connection, db, clock: standingClock().clock });
    return {
      store,
      replica: store,
      async count() {
        const [result] = await connection.run([{ sql: 'SELECT COUNT(*) AS rows FROM timers', rows: [[]] }]);
        return (result?.rows[0] as { rows: number }).rows;
      },
      close: () => store.close(),
    };
  },
  async MySQL() {
    const database = await createDatabase('mysql');
    const settings = mysqlSettings(database.url);
    const [store, replica] = [await openMysqlStore(settings), await openMysqlStore(settings)];
    const connection = await createConnection(database.url);
    return {
      store,
      replica,
      async count() {
        const [found] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS `rows` FROM timers');
        return Number(found[0]?.rows);
      },
      async close() {
        connection.destroy();
        await Promise.all([store.close(), replica.close()]);
        await database.drop();
      },
    };
  },
};

/** Runs the same tests on each engine, with one database for all of them. */
export function describeOnStores(subject: string, define: (opened: () => ApiOnStore) => void): void {
  describe.each(Object.keys(engines))(`${subject}, on %s`, (engine) => {
    let opened: ApiOnStore;

    beforeAll(async () => {
      const counted = await engines[engine]?.();
      if (counted === undefined) throw new Error(`there is no engine ${engine}`);
      const plain = apiUnderTest({ store: counted.store });
      opened = {
        ...counted,
        api: (overrides) => (overrides ? apiUnderTest({ store: counted.store, ...overrides }) : plain),
        async stored(id) {
          const timer = await counted.store.find(id);
          if (timer === undefined) throw new Error('the timer is gone');
          return timer;
        },
      };
    });
    afterAll(() => opened.close());

    define(() => opened);
  });
}
