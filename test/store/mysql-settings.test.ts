import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../src/platform/index.ts';
import { openStore, type MysqlSettings } from '../../src/store/index.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { createDatabase, queryServer, type TestDatabase } from '../support/databases.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { claimOf, makeTimers } from '../support/timers.ts';
import { usePrivateServers } from './fault-rig.ts';
import { KINDS } from './mysql-under-test.ts';
import { describeUndoHistory } from './undo-history.ts';

const certificate = (name: string) => new URL(`./certificates/${name}.pem`, import.meta.url).pathname;
const pem = (name: string) => readFileSync(certificate(name), 'utf8');
/** One server's certificate is made out to a name, the other's to an address. */
const madeOutTo = {
  mysql: { certificate: 'server-name', host: 'localhost', otherHost: '127.0.0.1' },
  mariadb: { certificate: 'server-address', host: '127.0.0.1', otherHost: 'localhost' },
};

/** What a hasty operator sets. */
const WEAK = ['--innodb-flush-log-at-trx-commit=2', '--sync-binlog=0', '--max-connections=20'];

const servers = usePrivateServers((kind) => {
  const files = { ca: 'ca', cert: madeOutTo[kind].certificate, key: 'server-key' };
  return [...WEAK, ...Object.entries(files).map(([option, name]) => `--ssl-${option}=${certificate(name)}`)];
});

describe('Encryption', () => {
  const open = async (url: string, over: Partial<MysqlSettings>) => {
    const store = await openMysqlStore({ ...mysqlSettings(url), database: 'punctual_test_tls', ...over });
    await store.insert(makeTimers(1));
    await store.close();
  };

  describe.each(KINDS)('on %s', (kind) => {
    const url = () => servers.get(kind)?.url ?? '';

    const { host, otherHost } = madeOutTo[kind];

    it('required takes any certificate, and the sessions are encrypted', async () => {
      await open(url(), { host: otherHost, tls: { mode: 'required', ca: null } });
      const [accepted] = await queryServer(url(), "SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'");
      expect(Number(accepted?.Value)).toBeGreaterThan(0);
    });

    it('verify takes a certificate of the CA that is made out to the host', async () => {
      await open(url(), { host, tls: { mode: 'verify', ca: pem('ca') } });
    });

    it.each([
      ['of another CA', { host, tls: { mode: 'verify', ca: pem('other-ca') } }],
      ['of a CA that nobody named', { host, tls: { mode: 'verify', ca: null } }],
      ['made out to another host', { host: otherHost, tls: { mode: 'verify', ca: pem('ca') } }],
    ] as const)('verify refuses a certificate %s, and names the setting', async (_, over) => {
      await expect(open(url(), over)).rejects.toMatchObject({
        name: 'StoreStartError',
        transient: false,
        message: expect.stringMatching(/certificate that is not trusted.*DB_TLS_CA.*made out to/),
      });
    });
  });

  it('required takes the certificate that MySQL makes for itself', async () => {
    const database = await createDatabase('mysql');
    await open(database.url, { database: database.name, tls: { mode: 'required', ca: null } });
    await database.drop();
  });

  it('required is refused by a server that has none, and the message says what to do', async () => {
    const database = await createDatabase('mariadb');
    await expect(open(database.url, { tls: { mode: 'required', ca: null } })).rejects.toMatchObject({
      name: 'StoreStartError',
      transient: false,
      message: expect.stringMatching(/offers no TLS, but DB_TLS asks for it/),
    });
    await database.drop();
  });
});

describe.each(KINDS)('The doctor on %s', (kind) => {
  let database: TestDatabase;

  const serverUrl = () => servers.get(kind)?.url ?? '';
  beforeEach(async () => {
    database = await createDatabase(kind, serverUrl());
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
    await queryServer(serverUrl(), "SET GLOBAL binlog_format = 'STATEMENT'");
    expect(await refusal()).toMatchObject({ transient: false, message: expect.stringContaining('Set it to ROW') });
    await queryServer(serverUrl(), "SET GLOBAL binlog_format = 'ROW'");
  });

  it('refuses tables that have no transactions', async () => {
    await (await open()).close();
    await queryServer(database.url, 'ALTER TABLE attempts ENGINE = MyISAM');
    expect(await refusal()).toMatchObject({ transient: false, message: expect.stringContaining('attempts (MyISAM)') });
  });

  it('makes no start on a read-only server, unless waiting mends it, and tells of it while running', async () => {
    const user = `plain_${database.name.slice(-8)}`;
    await queryServer(serverUrl(), `CREATE USER ${user}@'%' IDENTIFIED BY 'a-secret'`);
    await queryServer(serverUrl(), `GRANT ALL ON ${database.name}.* TO ${user}@'%'`);
    const login = { user, password: 'a-secret' };
    const store = await open(login);
    await queryServer(serverUrl(), 'SET GLOBAL read_only = ON');

    expect(await refusal(login)).toMatchObject({ transient: true, message: expect.stringContaining('read-only') });
    expect((await store.diagnose()).map(({ name }) => name)).toContain('read_only');

    await queryServer(serverUrl(), 'SET GLOBAL read_only = OFF');
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

describeUndoHistory(servers);
