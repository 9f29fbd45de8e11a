import { afterAll } from '@jest/globals';
import type { LockingClause } from '../../src/store/mysql/claim.ts';
import { quickStart, startServer, type DatabaseServer } from '../support/database-server.ts';
import { queryServer } from '../support/databases.ts';
import { describeTimerStore } from './contract.ts';
import { emptiedMysql } from './emptied-mysql.ts';
import { KINDS, type Kind } from './mysql-under-test.ts';

for (const kind of KINDS) {
  for (const lockingClause of ['FOR UPDATE SKIP LOCKED', ''] as const satisfies LockingClause[]) {
    const name = lockingClause === '' ? `${kind} with the locking clause stripped` : kind;
    const open = emptiedMysql(kind, { lockingClause });
    describeTimerStore(name, async () => {
      const opened = await open();
      return { ...opened, attempts: () => opened.rows('SELECT * FROM attempts') };
    });
  }
}

/** What whoever runs a server may have every session begin with. Each of these has broken something. */
const WILFUL = {
  mysql: `SET NAMES latin1;
    SET SESSION TRANSACTION READ ONLY;
    SET SESSION sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES', completion_type = 'CHAIN', sql_safe_updates = 1,
      sql_select_limit = 3, max_join_size = 3, default_storage_engine = 'MyISAM', max_execution_time = 1, autocommit = 0`,
  mariadb: `SET NAMES latin1;
    SET SESSION TRANSACTION READ ONLY;
    SET SESSION sql_mode = 'ORACLE,NO_BACKSLASH_ESCAPES,EMPTY_STRING_IS_NULL', completion_type = 'CHAIN', sql_safe_updates = 1,
      sql_select_limit = 3, max_join_size = 3, default_storage_engine = 'MyISAM', max_statement_time = 0.001, autocommit = 0`,
};

for (const kind of KINDS) {
  let server: DatabaseServer | undefined;
  const open = emptiedMysql(kind, {
    async login() {
      server = await startServer(kind, { extraArgs: quickStart });
      return wilfulLogin(kind, server.url);
    },
  });
  afterAll(() => server?.stop());
  describeTimerStore(`${kind} that has settings of its own for every session`, async () => {
    const opened = await open();
    return { ...opened, attempts: () => opened.rows('SELECT * FROM attempts') };
  });
}

/** Root, by whom the test itself looks, is let off. */
async function wilfulLogin(kind: Kind, serverUrl: string) {
  const login = { user: 'plain', password: 'a-secret' };
  await queryServer(serverUrl, `CREATE USER ${login.user}@'%' IDENTIFIED BY '${login.password}'`);
  await queryServer(serverUrl, `GRANT ALL ON \`punctual%\`.* TO ${login.user}@'%'`);
  await queryServer(serverUrl, `SET GLOBAL innodb_default_row_format = 'redundant'`);
  await queryServer(serverUrl, `SET GLOBAL init_connect = "${WILFUL[kind]}"`);
  return { serverUrl, ...login };
}
