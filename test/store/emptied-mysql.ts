import { afterAll } from '@jest/globals';
import { createConnection } from 'mysql2/promise';
import type { LockingClause } from '../../src/store/mysql/claim.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { createDatabase, queryServer } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import type { Kind } from './mysql-under-test.ts';

/** Another server than the one that the run shares, by the URL of its root, and who the stores are there. */
export interface Login {
  serverUrl: string;
  user: string;
  password: string;
}

/** Two stores on one database for all tests of a file, each of which finds it empty: that takes a fifth of what a new one does. */
export function emptiedMysql(
  kind: Kind,
  { lockingClause, login }: { lockingClause?: LockingClause; login?: () => Promise<Login> } = {},
) {
  let shared: ReturnType<typeof open> | undefined;
  afterAll(async () => (await shared)?.end());

  async function open() {
    const { serverUrl, ...user } = (await login?.()) ?? {};
    const database = await createDatabase(kind, serverUrl);
    const settings = { ...mysqlSettings(database.url), ...user };
    const options = lockingClause === undefined ? {} : { lockingClause };
    const [store, replica] = [await openMysqlStore(settings, options), await openMysqlStore(settings, options)];
    const connection = await createConnection(database.url);
    const found = await queryServer(database.url, 'SHOW TABLES');
    const tables = found.flatMap((row) => Object.values(row) as string[]).filter((table) => !/^schema_/.test(table));
    return {
      store,
      replica,
      rows: (sql: string) => queryServer(database.url, sql),
      async close() {
        await connection.beginTransaction();
        for (const table of tables) await connection.query(`DELETE FROM ${table}`);
        await connection.commit();
      },
      async end() {
        connection.destroy();
        await Promise.all([store.close(), replica.close()]);
        await database.drop();
      },
    };
  }
  return () => (shared ??= open());
}
