import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../src/platform/index.ts';
import { openStore } from '../../src/store/index.ts';
import { examine, type Circumstances } from '../../src/store/mysql/doctor.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { createDatabase, queryServer, type TestDatabase } from '../support/databases.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { claimOf, makeTimers } from '../support/timers.ts';
import { KINDS } from './mysql-under-test.ts';

const WEAK = ['--innodb-flush-log-at-trx-commit=2', '--sync-binlog=0', '--max-connections=20'];

/** A server about which there is nothing to say. */
const healthy: Circumstances = {
  version: '8.4.6',
  variables: {
    transaction_isolation: 'READ-COMMITTED',
    wait_timeout: '10',
    innodb_flush_log_at_trx_commit: '1',
    log_bin: 'ON',
    sync_binlog: '1',
    binlog_format: 'ROW',
    max_connections: '151',
    max_user_connections: '0',
    max_allowed_packet: '67108864',
  },
  foreignTables: {},
  isWritable: true,
  poolSize: 12,
  skipping: 'skips',
};

describe('The doctor', () => {
  const foundIn = (over: Partial<Circumstances>) =>
    examine({ ...healthy, ...over }).map(({ name, severity }) => `${name} ${severity}`);
  const withVariables = (variables: Circumstances['variables']) =>
    foundIn({ variables: { ...healthy.variables, ...variables } });

  it('says nothing of a server as it should be', () => {
    expect(examine(healthy)).toEqual([]);
  });

  it.each([
    '8.0.11',
    '8.4.0',
    '9.7.4',
    '10.6.0-MariaDB',
    '10.11.18-MariaDB-0+deb12u1',
    '5.5.5-11.8.2-MariaDB',
    '8.0.11-TiDB-v8.5.6',
    '8.0.39',
  ])('takes version %s', (version) => expect(foundIn({ version })).toEqual([]));

  it.each(['5.7.44', '8.0.4-rc', '10.5.27-MariaDB', '5.5.5-10.3.39-MariaDB-log'])('refuses version %s', (version) =>
    expect(foundIn({ version })).toEqual(['version breaks']),
  );

  it.each([
    [{ transaction_isolation: 'REPEATABLE-READ' }, 'transaction_isolation breaks'],
    [{ binlog_format: 'STATEMENT' }, 'binlog_format breaks'],
    [{ max_allowed_packet: '4194304' }, 'max_allowed_packet breaks'],
    [{ wsrep_on: 'ON' }, 'wsrep_on weakens'],
    [{ wait_timeout: '28800' }, 'wait_timeout weakens'],
    [{ max_connections: '23' }, 'max_connections weakens'],
    [{ max_user_connections: '20' }, 'max_connections weakens'],
  ])('finds %j', (variables, finding) => expect(withVariables(variables)).toEqual([finding]));

  it('does not mind the binary log of a server that writes none', () => {
    expect(withVariables({ log_bin: 'OFF', binlog_format: 'STATEMENT', sync_binlog: '0' })).toEqual([]);
  });
});

describe.each(KINDS)('The doctor on %s', (kind) => {
  let server: DatabaseServer;
  let database: TestDatabase;

  beforeAll(async () => {
    server = await startServer(kind, { extraArgs: WEAK });
  }, 120_000);
  afterAll(() => server.stop());
  beforeEach(async () => {
    database = await createDatabase(kind, server.url);
  });
  afterEach(() => database.drop());

  const open = (over = {}) => openMysqlStore({ ...mysqlSettings(database.url), ...over });
  const refusal = (over = {}) =>
    open(over).then(
      async (store) => {
        await store.close();
        throw new Error('the start was made');
      },
      (error: unknown) => error as { name: string; message: string; transient: boolean },
    );

  it('says nothing of the server that the tests share', async () => {
    const shared = await createDatabase(kind);
    const store = await openMysqlStore(mysqlSettings(shared.url));
    expect(await store.diagnose()).toEqual([]);
    await store.close();
    await shared.drop();
  });

  it('names what weakens a promise, and the promise: on demand, and in the log of the start', async () => {
    const lines: { level: number; msg: string; name: string; promise: string; detail: string }[] = [];
    const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
    const settings = mysqlSettings(database.url);

    const store = await openStore({ settings, tries: 1, waitMs: 0, clock: systemClock, logger });

    const findings = await store.diagnose();
    expect(findings.map(({ name }) => name)).toEqual([
      'innodb_flush_log_at_trx_commit',
      'sync_binlog',
      'max_connections',
    ]);
    expect(findings.map(({ promise }) => promise)[0]).toMatch(/201.*survive a crash/);
    expect(lines.map(({ msg, name, promise }) => ({ msg, name, promise }))).toEqual(
      findings.map(({ name, promise }) => ({ msg: 'store.weakness', name, promise })),
    );
    await store.close();
  });

  it('refuses a server whose binary log takes no writes of ours', async () => {
    await queryServer(server.url, "SET GLOBAL binlog_format = 'STATEMENT'");
    expect(await refusal()).toMatchObject({ transient: false, message: expect.stringContaining('Set it to ROW') });
    await queryServer(server.url, "SET GLOBAL binlog_format = 'ROW'");
  });

  it('refuses tables that have no transactions', async () => {
    await (await open()).close();
    await queryServer(database.url, 'ALTER TABLE attempts ENGINE = MyISAM');
    expect(await refusal()).toMatchObject({ transient: false, message: expect.stringContaining('attempts (MyISAM)') });
  });

  it('makes no start on a read-only server, unless waiting mends it, and tells of it while running', async () => {
    const user = `plain_${database.name.slice(-8)}`;
    await queryServer(server.url, `CREATE USER ${user}@'%' IDENTIFIED BY 'a-secret'`);
    await queryServer(server.url, `GRANT ALL ON ${database.name}.* TO ${user}@'%'`);
    const login = { user, password: 'a-secret' };
    const store = await open(login);
    await queryServer(server.url, 'SET GLOBAL read_only = ON');

    expect(await refusal(login)).toMatchObject({ transient: true, message: expect.stringContaining('read-only') });
    expect((await store.diagnose()).map(({ name }) => name)).toContain('read_only');

    await queryServer(server.url, 'SET GLOBAL read_only = OFF');
    expect((await store.diagnose()).map(({ name }) => name)).not.toContain('read_only');
    await store.close();
  });

  it.each([
    ['drops the locking clause in silence', /FOR UPDATE SKIP LOCKED/, '', 'does not honour'],
    ['lets the second one wait', /SKIP LOCKED/, '', 'does not honour'],
    ['does not know the words', /SKIP LOCKED/, 'SKAP LOCKED', 'does not know'],
  ])('finds that the server %s, and replicas still claim apart', async (_, words, others, told) => {
    const proxy = await startFaultProxy(mysqlSettings(database.url));
    proxy.rewrite(words, others);
    const [store, replica] = await Promise.all([open({ port: proxy.port }), open({ port: proxy.port })]);
    const skipping = (await store.diagnose()).find(({ name }) => name === 'skip_locked');
    expect(skipping).toMatchObject({ severity: 'weakens', detail: expect.stringContaining(told) });

    await store.insert(makeTimers(300));
    const claims = [store, replica, store, replica].map((claimer) => claimer.claim(claimOf({ limit: 100 })));
    const ids = (await Promise.all(claims)).flat().map(({ id }) => id);

    expect(ids.length).toBeGreaterThan(0);
    expect(new Set(ids).size).toBe(ids.length);
    await Promise.all([store.close(), replica.close()]);
    await proxy.close();
  });
});
