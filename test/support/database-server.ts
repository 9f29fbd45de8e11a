import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findDatabaseBinaries, type DatabaseKind } from './database-binaries.ts';
import { freePort } from './free-port.ts';
import { provideData } from './server-data.ts';
import { createServerHome, removeServerHome } from './server-homes.ts';
import { commonArgs, launch, listenArgs, untilReady } from './server-process.ts';

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
  /** Ends it for good; its data goes with it. */
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

/** What every server here must have in common with one in production: nothing that was committed is lost in a crash. */
const durability = ['--innodb-flush-log-at-trx-commit=1', '--log-bin=binlog', '--sync-binlog=1', '--server-id=1'];

const sizeArgs = ['--innodb-buffer-pool-size=256M', '--max-connections=500'];

/** Without MySQL's performance schema, which no test reads, and which is half of the work of a start. */
export const quickStart = ['--performance-schema=OFF'];

/** A private server with data of its own, on a free port of 127.0.0.1. */
export async function startServer(
  kind: DatabaseKind,
  { extraArgs = [] }: { extraArgs?: string[] } = {},
): Promise<DatabaseServer> {
  const binaries = await findDatabaseBinaries(kind);
  const home = createServerHome(kind);
  try {
    await provideData(kind, binaries, home);
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
        await running.end('SIGKILL');
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
