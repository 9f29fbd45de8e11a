import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../src/platform/index.ts';
import { openStore, type MysqlSettings } from '../../src/store/index.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { NEEDED_RIGHTS } from '../../src/store/mysql/start-failure.ts';
import { createDatabase, queryServer, serverUrlVariables, type TestDatabase } from '../support/databases.ts';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { claimOf, makeTimers } from '../support/timers.ts';
import { KINDS } from './mysql-under-test.ts';

const PASSWORD = 'a-secret';

describe.each(KINDS)('A start on %s', (kind) => {
  const serverUrl = () => process.env[serverUrlVariables[kind]] ?? '';
  let database: TestDatabase;
  let settings: MysqlSettings;

  beforeAll(async () => {
    database = await createDatabase(kind);
    settings = mysqlSettings(database.url);
  });
  afterAll(() => database.drop());

  async function startMessage(over: Partial<MysqlSettings>): Promise<{ message: string; transient: boolean }> {
    const opened = openMysqlStore({ ...settings, ...over });
    const error = await opened.then(
      (store) => store.close().then(() => undefined),
      (refusal: unknown) => refusal,
    );
    expect(error).toMatchObject({ name: 'StoreStartError' });
    return error as { message: string; transient: boolean };
  }

  async function makeUser(...grants: string[]): Promise<{ user: string; password: string }> {
    const user = `punctual_${randomBytes(4).toString('hex')}`;
    await queryServer(serverUrl(), `CREATE USER ${user}@'%' IDENTIFIED BY '${PASSWORD}'`);
    for (const grant of grants) await queryServer(serverUrl(), `GRANT ${grant} ON ${database.name}.* TO ${user}@'%'`);
    return { user, password: PASSWORD };
  }

  it('of ten replicas at once, where the database is not there yet, makes it once and serves them all', async () => {
    const name = `${database.name}_fresh`;
    const opening = Array.from({ length: 10 }, () => openMysqlStore({ ...settings, database: name, poolSize: 5 }));
    const stores = await Promise.all(opening);

    const timers = makeTimers(100);
    await Promise.all(stores.map((store, index) => store.insert(timers.slice(index * 10, index * 10 + 10))));
    const claimed = await Promise.all(stores.map((store) => store.claim(claimOf({ limit: 20 }))));

    expect(new Set(claimed.flat().map(({ id }) => id)).size).toBe(claimed.flat().length);
    await Promise.all(stores.map((store) => store.close()));
    await queryServer(serverUrl(), `DROP DATABASE ${name}`);
  });

  it('by a user who may do nothing but what is asked for with the one database, works from the empty one on', async () => {
    const fresh = await createDatabase(kind);
    const user = await makeUser();
    await queryServer(serverUrl(), `GRANT ${NEEDED_RIGHTS} ON ${fresh.name}.* TO ${user.user}@'%'`);
    const store = await openMysqlStore({ ...settings, ...user, database: fresh.name });
    await store.insert(makeTimers(1));
    await store.close();
    await fresh.drop();
  });

  it('on tables that a newer version has changed works as before, so that replicas can be replaced, and put back, one by one', async () => {
    await (await openMysqlStore(settings)).close();
    const later = `INSERT INTO schema_migrations VALUES ('9999-later', '2040-01-01T00:00:00.000Z')`;
    await queryServer(database.url, later);

    const store = await openMysqlStore(settings);
    await store.insert(makeTimers(1));
    await store.close();
  });

  it.each([
    ['no rights at all', []],
    ['the right to read only', ['SELECT']],
  ])('by a user with %s names the user, the database and the grant', async (_, grants) => {
    const nobody = await makeUser(...grants);
    const fresh = await createDatabase(kind);
    if (grants.length > 0) await queryServer(serverUrl(), `GRANT SELECT ON ${fresh.name}.* TO ${nobody.user}@'%'`);

    const { message, transient } = await startMessage({ ...nobody, database: fresh.name });

    expect(message).toContain(`GRANT ${NEEDED_RIGHTS} ON ${fresh.name}.* TO '${nobody.user}'`);
    expect(transient).toBe(false);
    await fresh.drop();
  });

  it('by a user who may not make the missing database names the grant too', async () => {
    const user = await makeUser('ALL');
    const { message } = await startMessage({ ...user, database: `${database.name}_missing` });
    expect(message).toContain(`GRANT ${NEEDED_RIGHTS} ON ${database.name}_missing.* TO`);
  });

  it('with a wrong password names the settings, and is not tried again', async () => {
    const { user } = await makeUser('ALL');
    const { message, transient } = await startMessage({ user, password: 'wrong-secret' });
    expect(message).toMatch(new RegExp(`refused the user "${user}".*DB_PASSWORD`));
    expect(message).not.toContain('wrong-secret');
    expect(transient).toBe(false);
  });

  it('by a user who may come encrypted only is told of that too, since the server says no more than no', async () => {
    const { user, password } = await makeUser('ALL');
    await queryServer(serverUrl(), `ALTER USER ${user}@'%' REQUIRE SSL`);
    const { message } = await startMessage({ user, password });
    expect(message).toMatch(/encrypted connections only: set DB_TLS=required/);
  });

  it('on a server that has no connection left for us says so in its words, and may be tried again', async () => {
    const { user, password } = await makeUser('ALL');
    await queryServer(serverUrl(), `ALTER USER ${user}@'%' WITH MAX_USER_CONNECTIONS 1`);
    const { message, transient } = await startMessage({ user, password });
    expect(message).toMatch(/refuses for now: .*max_user_connections/);
    expect(transient).toBe(true);
  });

  it('at a host that nobody knows, or where nothing listens, may be tried again', async () => {
    for (const over of [{ host: 'no-such-host.invalid' }, { port: 1 }]) {
      const { message, transient } = await startMessage(over);
      expect(message).toMatch(/cannot be reached \((ENOTFOUND|EAI_AGAIN|ECONNREFUSED)\).*DB_HOST/);
      expect(message).not.toContain('\n');
      expect(transient).toBe(true);
    }
  });

  describe('through a proxy', () => {
    let proxy: FaultProxy;
    beforeAll(async () => {
      proxy = await startFaultProxy(settings);
    });
    afterAll(() => proxy.close());

    function open(tries: number) {
      const warnings: string[] = [];
      const logger = pino(
        { level: 'warn' },
        { write: (line) => void warnings.push((JSON.parse(line) as { msg: string }).msg) },
      );
      const reached = { ...settings, port: proxy.port };
      const opening = openStore({ settings: reached, tries, waitMs: 20, clock: systemClock, logger });
      return { opening, warnings };
    }

    it('that lets nothing pass is tried as often as was asked, and then given up with one clear line', async () => {
      await proxy.refuse();
      const { opening, warnings } = open(4);
      await expect(opening).rejects.toThrow(
        /^The database at 127.0.0.1:\d+ cannot be reached \(ECONNREFUSED\)\. .*\?$/,
      );
      expect(warnings).toEqual(Array(3).fill('store.unreachable'));
    });

    it('that lets something pass after a while succeeds', async () => {
      await proxy.refuse();
      const { opening, warnings } = open(1000);
      while (warnings.length < 2) await new Promise((resolve) => setImmediate(resolve));
      await proxy.pass();
      await (await opening).close();
    });

    it('that swallows everything is given up in time', async () => {
      await proxy.pass();
      proxy.blackHole();
      const startedAt = performance.now();
      const { opening } = open(1);
      await expect(opening).rejects.toMatchObject({ name: 'StoreStartError', transient: true });
      expect(performance.now() - startedAt).toBeLessThan(5000);
      await proxy.pass();
    });

    it('that gives its sessions another isolation is refused', async () => {
      const meddler = await startFaultProxy(settings);
      meddler.rewrite(/READ COMMITTED/, 'SERIALIZABLE');
      const { message, transient } = await startMessage({ port: meddler.port });
      expect(message).toMatch(/SERIALIZABLE although READ COMMITTED was asked for.*proxy/);
      expect(transient).toBe(false);
      await meddler.close();
    });
  });
});
