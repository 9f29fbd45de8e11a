import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { launchDist } from '../../.cicd/smoke/launch-dist.ts';
import { EXPECTED, runSmokeTest } from '../../.cicd/smoke/scenario.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Not dist/, which people build while the tests run; within the repository, so that node_modules is found. */
const DIST = join(ROOT, `.cache/dist-of-test-${process.pid}`);

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase('mysql');
  await promisify(execFile)(process.execPath, [join(ROOT, '.cicd/build.ts'), DIST]);
}, 60_000);

afterAll(async () => {
  await rm(DIST, { recursive: true, force: true });
  await database.drop();
});

test('the compiled service, twice behind the nginx of the compose file, fires every timer although one copy is killed', async () => {
  const report = await runSmokeTest({ database: { DATABASE_URL: database.url }, launch: launchDist(DIST) });
  expect(report).toMatchObject(EXPECTED);
}, 180_000);

test('the same is refused where nothing was compiled, with what to do about it', () => {
  expect(() => launchDist(join(DIST, 'missing'))).toThrow(/There is no .*start\.js\. Make it first: npm run build\./);
});
