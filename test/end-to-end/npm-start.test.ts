import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '../support/service-process.ts';

const root = join(import.meta.dirname, '../..');
/** npm is slow, and so is what it starts. */
const WITHIN_MS = 30_000;

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'punctual-npm-start-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What people and supervisors start, and what it had said when it was over. `signal` gets the process of npm. */
async function run(signal: (npm: number) => void): Promise<{ exitCode: number | null; events: string[] }> {
  const { PATH, HOME } = process.env;
  const PORT = String(await freePort());
  const npm = spawn('npm', ['start'], {
    cwd: root,
    // As a terminal starts it: in a group of its own.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH, HOME, PORT, DATABASE_URL: `sqlite:${join(folder, 'timers.db')}`, DRAIN_MS: '0' },
  });
  const pid = npm.pid ?? NaN;
  let said = '';
  npm.stdout.on('data', (chunk: Buffer) => {
    if (!said.includes('service.started') && `${said}${chunk.toString()}`.includes('service.started')) signal(pid);
    said += chunk.toString();
  });
  const tooLong = setTimeout(() => process.kill(-pid, 'SIGKILL'), WITHIN_MS);
  // When nobody holds its output open any more: npm and the service.
  await once(npm, 'close');
  clearTimeout(tooLong);
  return {
    exitCode: npm.exitCode,
    events: [...said.matchAll(/"msg":"(service\.\w+)"/g)].map(([, event]) => event ?? ''),
  };
}

const ORDERLY = { exitCode: 0, events: ['service.started', 'service.stopping', 'service.stopped'] };

describe('What was started by `npm start` ends in an orderly way', () => {
  test(
    'when npm is told to end, as supervisors do',
    async () => expect(await run((npm) => process.kill(npm, 'SIGTERM'))).toEqual(ORDERLY),
    2 * WITHIN_MS,
  );

  test(
    'at Ctrl-C, which the terminal tells both of them, and npm the service once more',
    async () => expect(await run((npm) => process.kill(-npm, 'SIGINT'))).toEqual(ORDERLY),
    2 * WITHIN_MS,
  );
});
