import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../src/config.ts';

const SECRET = 'k'.repeat(32);

/** The message that stops the start. */
function problemOf(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the configuration was accepted');
}

describe('The configuration', () => {
  it('needs no variable: loopback, an embedded file, and the documented numbers', () => {
    expect(readConfig({})).toMatchObject({
      role: 'all',
      host: '127.0.0.1',
      port: 8080,
      store: { settings: { engine: 'sqlite', file: 'data/punctual.db' }, tries: 10, waitMs: 1000 },
      scheduler: {
        batchSize: 500,
        pollIntervalMs: 500,
        lookaheadMs: 1000,
        leaseMs: 30_000,
        maxConcurrency: 512,
        giveUpAfterMs: 72 * 3_600_000,
      },
      delivery: { timeoutMs: 10_000, maxTimeoutMs: 24_000, concurrencyPerHost: 128, allowLoopback: true },
      api: { keys: [], loopbackOnly: true, maxAttempts: 8, maxDelayMs: 3650 * 86_400_000 },
    });
  });

  it('takes an empty variable for one that is not set, as compose files pass them', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: ' ' })).toEqual(readConfig({}));
  });

  it.each([
    [
      'mysql://user:p%40ss@db.internal/timers',
      { host: 'db.internal', port: 3306, user: 'user', password: 'p@ss', database: 'timers' },
    ],
    ['mariadb://u:p@[::1]:3307/t', { host: '::1', port: 3307, database: 't' }],
    ['sqlite:/var/lib/punctual.db', { engine: 'sqlite', file: '/var/lib/punctual.db' }],
    ['sqlite:///var/lib/punctual.db', { engine: 'sqlite', file: '/var/lib/punctual.db' }],
  ])('understands DATABASE_URL=%s', (url, settings) => {
    expect(readConfig({ DATABASE_URL: url }).store.settings).toMatchObject(settings);
  });

  it('takes the database in parts, with the password from a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'punctual-config-'));
    const file = join(folder, 'password');
    writeFileSync(file, 'sesame\n');
    const { settings } = readConfig({ DB_HOST: 'db', DB_USER: 'u', DB_PASSWORD_FILE: file }).store;
    expect(settings).toMatchObject({
      host: 'db',
      port: 3306,
      user: 'u',
      password: 'sesame',
      database: 'timer_db',
      poolSize: 12,
    });
    rmSync(folder, { recursive: true });
  });

  it.each([
    [{ PORT: '80a' }, /^PORT: must be a whole number/],
    [{ PORT: '65536' }, /^PORT: must be a whole number from 0 to 65535/],
    [{ ROLE: 'worker' }, /^ROLE: must be one of all, api, scheduler/],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL: must be one of/],
    [{ ALLOW_ANONYMOUS: 'yes' }, /^ALLOW_ANONYMOUS: must be one of true, false/],
    [{ API_KEYS: 'billing=short' }, /^API_KEYS: .*at least 32/],
    [{ API_KEYS: SECRET }, /^API_KEYS: .*name=secret/],
    [{ ALLOWED_NETWORKS: '10.0.0.0/33' }, /^ALLOWED_NETWORKS: .*10\.0\.0\.0\/33/],
    [{ SIGNING_SECRETS: 'whsec_c2hvcnQ=' }, /^SIGNING_SECRETS: /],
    [{ DATABASE_URL: 'postgres://u@h/d' }, /^DATABASE_URL is no address/],
    [{ DATABASE_URL: 'mysql://h/d' }, /^DATABASE_URL needs a user/],
    [{ DATABASE_URL: 'sqlite://data/punctual.db' }, /^DATABASE_URL: .*sqlite:data\/punctual\.db/],
    [{ DATABASE_URL: 'sqlite:file:///data/punctual.db' }, /^DATABASE_URL: .*path alone/],
    [{ DATABASE_URL: 'mysql://u@h/d?ssl=1' }, /^DATABASE_URL takes no parameters/],
    [{ DATABASE_URL: 'sqlite:a.db', DB_HOST: 'h' }, /^DATABASE_URL and DB_HOST are both set/],
    [{ DB_HOST: 'h' }, /^DB_USER is missing/],
    [{ DB_USER: 'u' }, /^DB_HOST is missing/],
    [{ DB_HOST: 'h', DB_USER: 'u', DB_PASSWORD: 'a', DB_PASSWORD_FILE: 'b' }, /are both set/],
    [
      { DB_HOST: 'h', DB_USER: 'u', DB_PASSWORD_FILE: '/nowhere' },
      /^DB_PASSWORD_FILE names a file that cannot be read/,
    ],
    [{ DB_HOST: 'h', DB_USER: 'u', DB_TLS_CA: '/nowhere' }, /^DB_TLS_CA is set, but only DB_TLS=verify uses it/],
    [{ LEASE_MS: '15999' }, /^LEASE_MS: .*at least 16000/],
    [{ OBJECTS_URL: 'ftp://status/' }, /^OBJECTS_URL: must be an http/],
    [{ OBJECTS_URL: 'http://status/?id=' }, /^OBJECTS_URL: .*without a query/],
    [{ OBJECTS_URL: 'http://status', OBJECTS_TIMEOUT_MS: '19001' }, /^OBJECTS_TIMEOUT_MS: 19001 .*at least 30001/],
    [{ OBJECT_GONE_URL: 'http://receiver/gone' }, /^OBJECT_GONE_URL: without OBJECTS_URL/],
    [{ ROUTINE_INTERVAL: '0' }, /^ROUTINE_INTERVAL: must be a number from 0.1/],
    [{ LOOKAHEAD_MS: '999' }, /^LOOKAHEAD_MS: .*at least 1000/],
    [{ ROLE: 'api' }, /^ROLE: "api" needs a scheduler in another process/],
    [{ POLL_INTERVAL_MS: '6000', LOOKAHEAD_MS: '12000' }, /^POLL_INTERVAL_MS: must be a whole number from 10 to 2000/],
    [
      { API_KEYS: `shop=${SECRET}`, ADMIN_API_KEYS: `ops=${SECRET}` },
      /^ADMIN_API_KEYS: the secret of the key "shop".* its own/,
    ],
    [{ HOST: '0.0.0.0' }, /^HOST: on 0\.0\.0\.0 anyone .*API_KEYS.*ALLOW_ANONYMOUS=true/],
  ])('stops the start for %j with a message that names the variable and the remedy', (env, message) => {
    const problem = problemOf(env);
    expect(problem).toMatch(message);
    expect(problem).toMatch(/[^.]\.$/);
  });

  it('keeps objects only where it is told of a status API', () => {
    expect(readConfig({}).presence).toBeUndefined();
    expect(readConfig({ OBJECTS_TIMEOUT_MS: '29000' }).presence).toBeUndefined();
    expect(readConfig({ OBJECTS_URL: 'http://Status:8080/base//' }).presence).toEqual({
      url: 'http://status:8080/base',
      timeoutMs: 5000,
      ttlMs: 30_000,
      intervalMs: 3000,
      maxConsumers: 100,
      leaseMs: 30_000,
      gone: null,
    });
    const gone = { OBJECTS_URL: 'http://status', OBJECT_GONE_URL: 'http://receiver/gone', MAX_ATTEMPTS: '3' };
    expect(readConfig(gone).presence?.gone).toEqual({ url: 'http://receiver/gone', maxAttempts: 3 });
  });

  it('tells all problems at once', () => {
    expect(problemOf({ PORT: 'x', ROLE: 'y' }).split('\n')).toHaveLength(2);
  });

  it('never repeats a secret in a message', () => {
    expect(problemOf({ API_KEYS: 'geheim!geheim!geheim!' })).not.toContain('geheim');
    expect(problemOf({ SIGNING_SECRETS: 'geheim' })).not.toContain('geheim');
  });

  it('opens itself to others only with keys, or when told that anyone may', () => {
    expect(readConfig({ HOST: '0.0.0.0', API_KEYS: `a=${SECRET}` }).api).toMatchObject({ loopbackOnly: false });
    expect(readConfig({ HOST: '0.0.0.0', ALLOW_ANONYMOUS: 'true' })).toMatchObject({
      api: { loopbackOnly: false },
      delivery: { allowLoopback: false },
    });
    expect(readConfig({ API_KEYS: `a=${SECRET}` }).delivery).toMatchObject({ allowLoopback: false });
    for (const ROLE of ['api', 'scheduler']) {
      const { delivery } = readConfig({ ROLE, DATABASE_URL: 'mysql://punctual@database/timer_db' });
      expect(delivery).toMatchObject({ allowLoopback: false });
    }
    expect(readConfig({ HOST: '0.0.0.0', ROLE: 'scheduler' }).role).toBe('scheduler');
  });
});
