import { Kysely, sql, type CompiledQuery } from 'kysely';
import type { MysqlSettings } from '../../src/store/index.ts';
import { createMysqlDialect } from '../../src/store/mysql/dialect.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import type { Database } from '../../src/store/schema.ts';
import { createDatabase, queryServer } from '../support/databases.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';

export const KINDS = ['mysql', 'mariadb'] as const;
export type Kind = (typeof KINDS)[number];

export type Db = Kysely<Database>;

/** Connections as the store makes them, for statements that a test sends by itself; `sent` collects what goes out. */
export function connectTo(settings: MysqlSettings, { sent = [] as CompiledQuery[], size = 1 } = {}): Db {
  return new Kysely<Database>({
    dialect: createMysqlDialect(settings, { size, holdMs: 60_000 }),
    log: ({ query }) => void sent.push(query),
  });
}

/** A store that reaches its database through a fault proxy. */
export async function openFaultyStore(kind: Kind, serverUrl?: string) {
  const database = await createDatabase(kind, serverUrl);
  const direct = mysqlSettings(database.url);
  const proxy = await startFaultProxy(direct);
  const settings = { ...direct, port: proxy.port };
  const store = await openMysqlStore(settings);
  return {
    store,
    proxy,
    database,
    /** Past the proxy. */
    direct,
    query: (text: string) => queryServer(database.url, text),
    async close() {
      await proxy.pass();
      await store.close();
      await proxy.close();
      await database.drop();
    },
  };
}

export type FaultyStore = Awaited<ReturnType<typeof openFaultyStore>>;

export const isolationOf = async (db: Db): Promise<string> => {
  const { rows } = await sql<{ Value: string }>`
    SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')`.execute(db);
  return [...new Set(rows.map(({ Value }) => Value))].join();
};

/** Milliseconds that an operation took, whatever became of it, and that. */
export async function timed<T>(operation: Promise<T>): Promise<{ ms: number; value?: T; error?: unknown }> {
  const startedAt = performance.now();
  const [settled] = await Promise.allSettled([operation]);
  const ms = performance.now() - startedAt;
  return settled.status === 'fulfilled' ? { ms, value: settled.value } : { ms, error: settled.reason };
}
