import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { DatabaseBinaries, DatabaseKind } from './database-binaries.ts';
import { recordServerPid } from './server-homes.ts';

const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 25;

export interface ServerProcess {
  pid: number;
  /** Resolves with the exit code; null after a signal. */
  ended: Promise<number | null>;
  hasEnded(): boolean;
  signal(name: NodeJS.Signals): void;
  end(name: NodeJS.Signals): Promise<void>;
  /** Lets this process end while the server still runs. */
  unref(): void;
}

export function launch(
  { command, leadingArgs }: DatabaseBinaries,
  home: string,
  args: string[],
  input?: string,
): ServerProcess {
  const log = openSync(join(home, 'log'), 'a');
  const child = spawn(command, [...leadingArgs, ...args], {
    stdio: [input === undefined ? 'ignore' : 'pipe', log, log],
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} could not be started`);
  recordServerPid(home, pid);
  child.stdin?.on('error', () => undefined).end(input);

  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const signal = (name: NodeJS.Signals) => {
    if (!hasEnded()) child.kill(name);
  };
  const end = async (name: NodeJS.Signals) => {
    child.ref();
    signal(name);
    // A frozen process gets to its SIGTERM only when it runs.
    signal('SIGCONT');
    const stuck = setTimeout(() => signal('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(stuck);
  };
  return { pid, ended, hasEnded, signal, end, unref: () => child.unref() };
}

export async function untilReady(server: ServerProcess, home: string, port: number): Promise<void> {
  const giveUpAt = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(home, port))) {
    if (server.hasEnded()) throw new Error(`The server ended while it started:\n${await lastLogLines(home)}`);
    if (Date.now() > giveUpAt) {
      await server.end('SIGKILL');
      throw new Error(`The server did not answer within ${START_TIMEOUT_MS} ms:\n${await lastLogLines(home)}`);
    }
    await delay(READY_POLL_MS);
  }
}

/** Whether SELECT is answered, by the server with this data folder rather than by another that got the port. */
async function answers(home: string, port: number): Promise<boolean> {
  try {
    const connection = await createConnection({ host: '127.0.0.1', port, user: 'root', connectTimeout: 2_000 });
    try {
      const [rows] = await connection.query<RowDataPacket[]>('SELECT 1, @@datadir AS folder');
      return String(rows[0]?.folder).startsWith(home);
    } finally {
      connection.destroy();
    }
  } catch {
    return false;
  }
}

export const lastLogLines = async (home: string): Promise<string> =>
  (await readFile(join(home, 'log'), 'utf8')).trimEnd().split('\n').slice(-15).join('\n');

export const commonArgs = (kind: DatabaseKind, home: string): string[] => [
  `--datadir=${join(home, 'data')}`,
  `--tmpdir=${home}`,
  // The built-in default names a folder that exists only where the package was installed.
  '--secure-file-priv=',
  ...(kind === 'mysql' ? ['--mysqlx=OFF'] : []),
  ...(process.getuid?.() === 0 ? ['--user=root'] : []),
];

export const listenArgs = (home: string, port: number): string[] => [
  '--bind-address=127.0.0.1',
  `--port=${port}`,
  // While the server is down, an outgoing connection may hold its port for a moment.
  '--port-open-timeout=10',
  `--socket=${join(home, 'socket')}`,
  `--pid-file=${join(home, 'pid')}`,
];
