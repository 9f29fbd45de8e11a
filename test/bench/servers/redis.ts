import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../support/free-port.ts';
import { createServerHome, removeServerHome } from '../../support/server-homes.ts';
import { findPrograms } from './programs.ts';
import { startProgram, type PeerServer } from './server-process.ts';

const ANSWER_WITHIN_MS = 500;

/** Redis that keeps an append-only file, flushed as often as `fsync` says. */
export async function startRedis({ fsync }: { fsync: 'always' | 'everysec' }): Promise<PeerServer> {
  const { folder, env } = await findPrograms('redis-server', 'redis-server');
  const command = join(folder, 'redis-server');
  const { stdout } = await promisify(execFile)(command, ['--version'], { env });
  const home = createServerHome('redis');
  const port = await freePort();
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir: home,
    // The home stays in the command line, by which a forgotten server is recognised.
    'set-proc-title': 'no',
    save: '',
    appendonly: 'yes',
    appendfsync: fsync,
    'maxmemory-policy': 'noeviction',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const { pid, end } = await startProgram(home, { command, args, env }, () => answers(port));
  return {
    description: `Redis ${/v=([\d.]+)/.exec(stdout)?.[1] ?? ''}, appendfsync ${fsync}`,
    url: `redis://127.0.0.1:${port}`,
    pid,
    async [Symbol.asyncDispose]() {
      await end('SIGTERM');
      removeServerHome(home);
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: ANSWER_WITHIN_MS });
    const tell = (answer: boolean) => {
      resolve(answer);
      socket.destroy();
    };
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('data', (chunk) => tell(chunk.toString().startsWith('+PONG')));
    socket.on('error', () => tell(false));
    socket.on('timeout', () => tell(false));
  });
}
