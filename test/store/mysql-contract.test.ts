import { afterAll } from '@jest/globals';
import { createConnection } from 'mysql2/promise';
import type { LockingClause } from '../../src/store/mysql/claim.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { createDatabase, queryServer } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { describeTimerStore, type OpenedStore } from './contract.ts';
import type { Kind } from './mysql-under-test.ts';

const closing: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(closing.map((close) => close())));

for (const kind of ['mysql', 'mariadb'] as const) {
  for (const lockingClause of ['FOR UPDATE SKIP LOCKED', ''] as const satisfies LockingClause[]) {
    const name = lockingClause === '' ? `${kind} with the locking clause stripped` : kind;
    let shared: Promise<OpenedStore> | undefined;
    describeTimerStore(name, () => (shared ??= openShared(kind, lockingClause)));
  }
}

/** One for all tests of a suite, and empty for each: it takes a fifth of the time that a new database does. */
async function openShared(kind: Kind, lockingClause: LockingClause): Promise<OpenedStore> {
  const database = await createDatabase(kind);
  const settings = mysqlSettings(database.url);
  const store = await openMysqlStore(settings, { lockingClause });
  const replica = await openMysqlStore(settings, { lockingClause });
  const connection = await createConnection(database.url);
  const found = await queryServer(database.url, 'SHOW TABLES');
  const tables = found.flatMap((row) => Object.values(row) as string[]).filter((table) => !/^schema_/.test(table));
  closing.push(async () => {
    connection.destroy();
    await Promise.all([store.close(), replica.close()]);
    await database.drop();
  });
  return {
    store,
    replica,
    attempts: () => queryServer(database.url, 'SELECT * FROM attempts'),
    async close() {
      await connection.beginTransaction();
      for (const table of tables) await connection.query(`DELETE FROM ${table}`);
      await connection.commit();
    },
  };
}
