import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { findDatabaseBinaries, type DatabaseBinaries, type DatabaseKind } from './database-binaries.ts';
import { freePort } from './free-port.ts';
import { createServerHome, recordServerPid, removeServerHome } from './server-homes.ts';

export type { DatabaseKind } from './database-binaries.ts';

export interface DatabaseServer {
  kind: DatabaseKind;
  version: string;
  /** Where the program came from, for people. */
  origin: string;
  port: number;
  /** For root, without a database. */
  url: string;
  /** Of the process that runs now; every restart gives another. */
  readonly pid: number;
  /** Ends it cleanly, for good; its data goes with it. */
  stop: () => Promise<void>;
  /** Ends it cleanly; its data stays for `restart`. */
  shutdown: () => Promise<void>;
  /** SIGKILL, as a crash; its data stays for `restart`. Resolves when the process is gone. */
  kill: () => Promise<void>;
  /** Starts it again on the same data and port, after a clean end if it still runs. Resolves when it answers. */
  restart: () => Promise<void>;
  /** Takes the processor away from it: connections stay open and nothing answers, until `thaw`. Resolves when it stands. */
  freeze: () => Promise<void>;
  thaw: () => void;
}

const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 25;

/** What every server here must have in common with one in production: nothing that was committed is lost in a crash. */
const durability = ['--innodb-flush-log-at-trx-commit=1', '--log-bin=binlog', '--sync-binlog=1', '--server-id=1'];

/** A private server with data of its own, on a free port of 127.0.0.1. */
export async function startServer(
  kind: DatabaseKind,
  { extraArgs = [] }: { extraArgs?: string[] } = {},
): Promise<DatabaseServer> {
  const binaries = await findDatabaseBinaries(kind);
  const home = createServerHome(kind);
  try {
    await initialise(kind, binaries, home);
    const port = await freePort();
    const args = [...commonArgs(kind, home), ...listenArgs(home, port), ...durability, ...sizeArgs, ...extraArgs];
    const start = async () => {
      const started = launch(binaries, home, args);
      await untilReady(started, home, port);
      started.unref();
      return started;
    };
    let running = await start();

    const shutdown = () => running.end('SIGTERM');
    return {
      kind,
      version: binaries.version,
      origin: binaries.origin,
      port,
      url: `mysql://root@127.0.0.1:${port}`,
      get pid() {
        return running.pid;
      },
      shutdown,
      stop: async () => {
        await shutdown();
        removeServerHome(home);
      },
      kill: () => running.end('SIGKILL'),
      restart: async () => {
        await shutdown();
        running = await start();
      },
      freeze: async () => {
        running.signal('SIGSTOP');
        await untilFrozen(running.pid);
      },
      thaw: () => running.signal('SIGCONT'),
    };
  } catch (error) {
    removeServerHome(home);
    throw error;
  }
}

const commonArgs = (kind: DatabaseKind, home: string): string[] => [
  `--datadir=${join(home, 'data')}`,
  `--tmpdir=${home}`,
  // The built-in default names a folder that exists only where the package was installed.
  '--secure-file-priv=',
  ...(kind === 'mysql' ? ['--mysqlx=OFF'] : []),
  ...(process.getuid?.() === 0 ? ['--user=root'] : []),
];

const listenArgs = (home: string, port: number): string[] => [
  '--bind-address=127.0.0.1',
  `--port=${port}`,
  // While the server is down, an outgoing connection may hold its port for a moment.
  '--port-open-timeout=10',
  `--socket=${join(home, 'socket')}`,
  `--pid-file=${join(home, 'pid')}`,
];

const sizeArgs = ['--innodb-buffer-pool-size=256M', '--max-connections=500'];

/** Makes the data folder, with a root@localhost that needs no password over TCP. */
async function initialise(kind: DatabaseKind, binaries: DatabaseBinaries, home: string): Promise<void> {
  await mkdir(join(home, 'data'));
  const common = commonArgs(kind, home);
  const run =
    kind === 'mysql'
      ? launch(binaries, home, [...common, '--initialize-insecure'])
      : launch(binaries, home, [...common, '--bootstrap'], await mariadbSystemTables(binaries.prefix));
  const exitCode = await run.ended;
  if (exitCode !== 0) throw new Error(`${kind} could not make its data folder:\n${await lastLogLines(home)}`);
}

/** What mariadb-install-db sends. The script itself would run the host's loader, which does not fit fetched binaries. */
async function mariadbSystemTables(prefix: string): Promise<string> {
  const scripts = ['system_tables', 'performance_tables', 'system_tables_data', 'sys_schema'];
  for (const folder of ['share/mysql', 'share/mariadb', 'share'].map((path) => join(prefix, path))) {
    const files = await readdir(folder).catch(() => []);
    const named = scripts.map((script) =>
      files.find((file) => /^(mysql|mariadb)_(.*)\.sql$/.exec(file)?.[2] === script),
    );
    if (named.includes(undefined)) continue;
    const parts = await Promise.all(named.map((file) => readFile(join(folder, file ?? ''), 'utf8')));
    // @auth_root_socket NULL: root by password (none) rather than by Unix socket.
    return ['CREATE DATABASE mysql;', 'USE mysql;', 'SET @auth_root_socket=NULL;', ...parts].join('\n');
  }
  throw new Error(`No SQL scripts for MariaDB's system tables under ${prefix}/share`);
}

interface ServerProcess {
  pid: number;
  /** Resolves with the exit code; null after a signal. */
  ended: Promise<number | null>;
  hasEnded(): boolean;
  signal(name: NodeJS.Signals): void;
  end(name: NodeJS.Signals): Promise<void>;
  /** Lets this process end while the server still runs. */
  unref(): void;
}

function launch(
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

async function untilReady(server: ServerProcess, home: string, port: number): Promise<void> {
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

/** A stop reaches one thread after another; until the last one stands, the server may still answer. */
async function untilFrozen(pid: number): Promise<void> {
  const folder = `/proc/${pid}/task`;
  const isRunning = async (thread: string) => {
    const status = await readFile(join(folder, thread, 'status'), 'utf8').catch(() => '');
    return /^State:\s+[^TtZ]/m.test(status);
  };
  while ((await Promise.all((await readdir(folder).catch(() => [])).map(isRunning))).includes(true)) {
    await delay(1);
  }
}

const lastLogLines = async (home: string): Promise<string> =>
  (await readFile(join(home, 'log'), 'utf8')).trimEnd().split('\n').slice(-15).join('\n');
