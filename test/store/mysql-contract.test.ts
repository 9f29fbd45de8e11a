import { openMysqlStore } from '../../src/store/mysql/open.ts';
import type { LockingClause } from '../../src/store/mysql/claim.ts';
import { createDatabase, queryServer } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { describeTimerStore } from './contract.ts';

for (const kind of ['mysql', 'mariadb'] as const) {
  for (const lockingClause of ['FOR UPDATE SKIP LOCKED', ''] as const satisfies LockingClause[]) {
    const name = lockingClause === '' ? `${kind} with the locking clause stripped` : kind;
    describeTimerStore(name, async () => {
      const database = await createDatabase(kind);
      const settings = mysqlSettings(database.url);
      const store = await openMysqlStore(settings, { lockingClause });
      const replica = await openMysqlStore(settings, { lockingClause });
      return {
        store,
        replica,
        attempts: () => queryServer(database.url, 'SELECT * FROM attempts'),
        async close() {
          await Promise.all([store.close(), replica.close()]);
          await database.drop();
        },
      };
    });
  }
}
