import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase as createMysqlDatabase } from '../support/databases.ts';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import type { BenchCase, Outcome } from './bench-case.ts';
import { startLoad, type Load } from './load.ts';
import { startReceiver, type BenchReceiver } from './receiver.ts';
import { startService, type BenchService } from './service.ts';
import { fillWaitingTable } from './waiting-table.ts';

export type Engine = 'mysql' | 'sqlite';

export interface BenchDatabase extends AsyncDisposable {
  engine: Engine;
  url: string;
}

/** What the cases of one run share. */
export interface Bench {
  receiver: BenchReceiver;
  load: Load;
  mysql: DatabaseServer;
  /** Whether sizes are those of `--full`. */
  full: boolean;
  /** Empty; gone when it is disposed of. */
  createDatabase(engine: Engine): Promise<BenchDatabase>;
  /** A database where so many timers wait, and as many are finished; the cases that use it share it. */
  waitingTable(count: number): Promise<BenchDatabase>;
  startService(database: BenchDatabase, env?: Record<string, string>): Promise<BenchService>;
  /** Runs the other case first, unless this run has its outcome already. */
  outcomeOf(other: BenchCase): Promise<Outcome>;
}

/** Pages of tables with millions of rows stay in memory, as on any server that is meant for such tables. */
export const POOL_SIZE = '1G';

export async function openBench(options: {
  full: boolean;
  profiles: string | undefined;
  outcomeOf: (other: BenchCase) => Promise<Outcome>;
}): Promise<Bench & AsyncDisposable> {
  const mysql = await startServer('mysql', { extraArgs: [`--innodb-buffer-pool-size=${POOL_SIZE}`] });
  const [receiver, load] = await Promise.all([startReceiver(), startLoad()]);

  const waitingTables = new Map<number, Promise<BenchDatabase>>();

  async function createDatabase(engine: Engine): Promise<BenchDatabase> {
    if (engine === 'sqlite') return createSqliteDatabase();
    const { url, drop } = await createMysqlDatabase('mysql', mysql.url);
    return { engine, url, [Symbol.asyncDispose]: drop };
  }

  async function createWaitingTable(count: number): Promise<BenchDatabase> {
    const database = await createDatabase('mysql');
    await fillWaitingTable(database, count, receiver.url);
    return database;
  }

  return {
    ...options,
    receiver,
    load,
    mysql,
    createDatabase,
    waitingTable(count) {
      const table = waitingTables.get(count) ?? createWaitingTable(count);
      waitingTables.set(count, table);
      return table;
    },
    async startService({ url }, env = {}) {
      await receiver.reset();
      return startService(url, { env, profiles: options.profiles });
    },
    async [Symbol.asyncDispose]() {
      receiver.stop();
      load.stop();
      await mysql.stop();
    },
  };
}

async function createSqliteDatabase(): Promise<BenchDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'punctual-bench-'));
  return {
    engine: 'sqlite',
    url: `sqlite:${join(folder, 'punctual.db')}`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
