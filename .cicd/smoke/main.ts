import { partialDeepStrictEqual } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { startServer } from '../../test/support/database-server.ts';
import { queryServer } from '../../test/support/databases.ts';
import { launchDist } from './launch-dist.ts';
import { launchImage } from './launch-image.ts';
import { EXPECTED, runSmokeTest } from './scenario.ts';

const [mode, what] = process.argv.slice(2);
const launch =
  mode === 'image' && what !== undefined
    ? await launchImage(what)
    : mode === 'dist'
      ? launchDist(resolve(what ?? 'dist'))
      : undefined;
if (launch === undefined) {
  process.stderr.write('Usage: .cicd/smoke-test image <name> | dist [folder]\n');
  process.exit(2);
}

// A user like the one the MySQL image makes for docker-compose.yml: everything in its own database, nothing else.
const server = await startServer('mysql');
const password = randomBytes(16).toString('hex');
for (const statement of [
  'CREATE DATABASE timer_db',
  `CREATE USER punctual IDENTIFIED BY '${password}'`,
  'GRANT ALL ON timer_db.* TO punctual',
]) {
  await queryServer(server.url, statement);
}
const database = { DB_HOST: '127.0.0.1', DB_PORT: String(server.port), DB_USER: 'punctual', DB_PASSWORD: password };
try {
  const report = await runSmokeTest({ database, launch });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  partialDeepStrictEqual(report, EXPECTED);
} finally {
  await server.stop();
}
