import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort, runService } from '../support/service-process.ts';
import { scenario } from './scenario.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'punctual-start-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A start that failed as it should: at once, with a line for people on stderr, and nothing of how the code looks inside. */
async function refusalOf(env: Record<string, string>): Promise<string> {
  const { exitCode, stdout, stderr } = await runService({
    DATABASE_URL: `sqlite:${join(folder, 'timers.db')}`,
    ...env,
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/^punctual: \S.*\n$/s) });
  expect(stderr + stdout).not.toMatch(/\n\s+at |node:internal|\.ts:\d+/);
  return stderr;
}

describe('A start ends with exit code 1 and says what to do', () => {
  test('when a variable has a value that cannot be used', async () => {
    expect(await refusalOf({ BATCH_SIZE: 'many', ROLE: 'boss' })).toBe(
      'punctual: the configuration is wrong.\nROLE: must be one of all, api, scheduler.\n' +
        'BATCH_SIZE: must be a whole number from 1 to 500.\n',
    );
  });

  test('when two times do not go together', async () => {
    expect(await refusalOf({ LEASE_MS: '8000', WEBHOOK_TIMEOUT_MS: '10000' })).toMatch(
      /LEASE_MS: 8000 is too short.*at least 16000/,
    );
  });

  test('when everyone on the network could use it', async () => {
    expect(await refusalOf({ HOST: '0.0.0.0' })).toMatch(/HOST: .*API_KEYS.*ALLOW_ANONYMOUS=true/);
  });

  test('when what is to hear of forgotten objects may not be called', async () => {
    const env = { OBJECTS_URL: 'http://127.0.0.1:9001', OBJECT_GONE_URL: 'http://10.0.0.1/gone' };
    expect(await refusalOf(env)).toMatch(/^punctual: the configuration is wrong.\nOBJECT_GONE_URL: .*ALLOWED_NETWORKS/);
  });

  test('when only the API is to run on a SQLite file', async () => {
    expect(await refusalOf({ ROLE: 'api' })).toMatch(/ROLE: "api" needs a scheduler in another process/);
  });

  test('when the database does not answer, after as many tries as it may make', async () => {
    const port = await freePort();
    const url = `mysql://user:very-secret@127.0.0.1:${port}/timers`;
    const env = { DATABASE_URL: url, RETRY_NUMBER: '2', RECONNECT_WAIT_TIME: '0.1' };
    const { stdout } = await runService(env);
    expect(stdout.match(/"msg":"store.unreachable"/g)).toHaveLength(1);

    const told = await refusalOf(env);
    expect(told).toMatch(`The database at 127.0.0.1:${port} cannot be reached (ECONNREFUSED).`);
    expect(told.trimEnd()).not.toContain('\n');
    expect(told + stdout).not.toContain('very-secret');
  });

  test('when the database refuses the user, at once', async () => {
    const url = new URL(process.env.TEST_MYSQL_URL ?? '');
    const env = { DATABASE_URL: `mysql://nobody:very-secret@${url.host}/timers`, RECONNECT_WAIT_TIME: '60' };
    const told = await refusalOf(env);
    expect(told).toMatch(/refused the user "nobody"\. Check the user and the password/);
    expect(told).not.toContain('very-secret');
  });

  test('when its port is taken', async () => {
    const other = createServer().listen(await freePort(), '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    expect(await refusalOf({ PORT: String(port) })).toBe(
      `punctual: Port ${port} on 127.0.0.1 is taken. Stop the other process or set PORT.\n`,
    );
    other.close();
  });

  test('when the SQLite file cannot be opened', async () => {
    expect(await refusalOf({ DATABASE_URL: `sqlite:${folder}` })).toMatch(
      `The SQLite file ${folder} cannot be used: unable to open database file. Check that its folder exists`,
    );
  });

  test("when the SQLite file is none, or another program's", async () => {
    const file = join(folder, 'other.db');
    await writeFile(file, 'This is a diary.\n'.repeat(1000));
    expect(await refusalOf({ DATABASE_URL: `sqlite:${file}` })).toMatch(/file is not a database\. Restore a backup/);
    await rm(file);
    const other = new DatabaseSync(file);
    other.exec('CREATE TABLE timers (egg TEXT)');
    other.close();
    expect(await refusalOf({ DATABASE_URL: `sqlite:${file}` })).toMatch(
      /already exists\. Is it the file of another program\?/,
    );
  });

  test(
    'when another process has the SQLite file open, which goes on undisturbed',
    scenario(async ({ database, start }) => {
      const env = await database('sqlite');
      const replica = await start('the first', env);
      expect(await refusalOf({ ...env, PORT: String(await freePort()) })).toMatch(
        /The SQLite file .* is in use by another process\..*use MySQL for several replicas/,
      );
      expect((await fetch(`${replica.url}/ready`)).status).toBe(200);
    }),
  );
});

describe('A start', () => {
  test('leaves what it has stripped of types and compiled to the next', async () => {
    const env = { ROLE: 'boss', NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    await runService(env);
    const { stderr } = await runService(env);
    expect(stderr).toMatch(/retrieving transpile cache for StrippedTypeScript file:\S*\/src\/main\.ts\.\.\.success/);
    expect(stderr).toMatch(/V8 code cache for ESM file:\S*\/src\/main\.ts was accepted/);
    expect(stderr).not.toMatch('no transpile cache');
  });

  test('on a Node that is too old says which is needed, and how to come by it', async () => {
    const preload = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { node: '20.1.0' } })`;
    expect(await runService({}, { preload })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'punctual: Node 24 or newer is needed, this is 20.1.0. "npm ci && npm start" brings its own on Linux.\n',
    });
  });
});
