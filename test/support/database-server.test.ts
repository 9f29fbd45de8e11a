import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createConnection } from 'mysql2/promise';
import { quickStart, startServer, type DatabaseKind, type DatabaseServer } from './database-server.ts';
import { createDatabase, queryServer, serverUrlVariables } from './databases.ts';

const kinds: DatabaseKind[] = ['mysql', 'mariadb'];
const versions = { mysql: /^(8\.[4-9]|9|\d{2})\./, mariadb: /^1\d\.\d+\.\d+-MariaDB/ };

const SETTINGS = `SELECT VERSION() AS version, @@innodb_flush_log_at_trx_commit AS flush_at_commit, @@sync_binlog AS sync_binlog,
  @@log_bin AS log_bin, @@innodb_doublewrite AS doublewrite, @@max_connections AS max_connections, @@bind_address AS bind_address,
  @@lock_wait_timeout AS lock_wait_timeout`;

describe.each(kinds)('a private %s server', (kind) => {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await startServer(kind, { extraArgs: [...quickStart, '--lock-wait-timeout=77'] });
  }, 120_000);
  afterAll(() => server.stop());

  test('is of the version that it says, durable, and heard on loopback only', async () => {
    const [settings] = await queryServer(server.url, SETTINGS);
    expect(settings).toMatchObject({
      version: expect.stringMatching(versions[kind]),
      flush_at_commit: 1,
      sync_binlog: 1,
      log_bin: 1,
      max_connections: 500,
      bind_address: '127.0.0.1',
    });
    expect(settings?.version).toContain(server.version);
    expect(['1', 'ON']).toContain(String(settings?.doublewrite));
  });

  test('takes extra arguments', async () => {
    const [settings] = await queryServer(server.url, SETTINGS);
    expect(settings?.lock_wait_timeout).toBe(77);
  });

  test('comes back on its port with what was committed, after a kill and after a clean end', async () => {
    const database = await createDatabase(kind, server.url);
    await queryServer(database.url, 'CREATE TABLE kept (id INT PRIMARY KEY)');
    await queryServer(database.url, 'INSERT INTO kept VALUES (1)');
    const firstPid = server.pid;

    await server.kill();
    await expect(queryServer(database.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
    await server.restart();
    expect(server.pid).not.toBe(firstPid);
    expect(await queryServer(database.url, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);

    await queryServer(database.url, 'INSERT INTO kept VALUES (2)');
    await server.shutdown();
    await expect(queryServer(database.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
    await server.restart();
    expect(await queryServer(database.url, 'SELECT id FROM kept')).toEqual([{ id: 1 }, { id: 2 }]);
  }, 60_000);

  test('answers nothing while it is frozen, and goes on when it thaws', async () => {
    const connection = await createConnection(server.url);
    await server.freeze();
    const answer = connection.query('SELECT 1');
    const first = await Promise.race([answer.then(() => 'answer'), silence()]);
    server.thaw();
    await answer;
    await connection.end();
    expect(first).toBe('silence');
  });
});

test('a server that stops leaves neither process nor data, even if it was frozen', async () => {
  const server = await startServer('mariadb');
  const [row] = await queryServer(server.url, 'SELECT @@datadir AS folder');
  await server.freeze();
  await server.stop();
  expect(() => process.kill(server.pid, 0)).toThrow(/ESRCH/);
  expect(existsSync(String(row?.folder))).toBe(false);
});

test('a server that cannot start says why', async () => {
  await expect(startServer('mariadb', { extraArgs: ['--no-such-setting=1'] })).rejects.toThrow(/no-such-setting/);
});

describe.each(kinds)('the %s server that the run shares', (kind) => {
  test('gives every test a database of its own, and takes it back', async () => {
    const databases = await Promise.all([createDatabase(kind), createDatabase(kind)]);
    const names = databases.map(({ name }) => name);
    expect(names[0]).not.toBe(names[1]);
    for (const { url, name } of databases) {
      expect(await queryServer(url, 'SELECT DATABASE() AS name')).toEqual([{ name }]);
    }

    await Promise.all(databases.map(({ drop }) => drop()));
    const shown = await queryServer(process.env[serverUrlVariables[kind]] ?? '', 'SHOW DATABASES');
    for (const name of names) expect(shown).not.toContainEqual({ Database: name });
  });
});

/** Long enough for any answer of a server that runs. */
const silence = () => new Promise<string>((resolve) => setTimeout(() => resolve('silence'), 300));
