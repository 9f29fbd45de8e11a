import { afterAll } from '@jest/globals';
import { Kysely } from 'kysely';
import type { Clock } from '../../src/platform/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { Database } from '../../src/store/schema.ts';
import { openConnection, type SqliteConnection } from '../../src/store/sqlite/connection.ts';
import { createSqliteDialect } from '../../src/store/sqlite/dialect.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';

export type EmptiedStore = ReturnType<typeof createSqliteStore> & {
  /** The rows that a statement of the test's own finds. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
};

/**
 * Stores for the tests of one file, each of which finds its database empty: the one of a store that was closed serves the
 * next. To begin a thread and make the tables takes twenty times as long as to empty them.
 */
export function emptiedSqlite(file = ':memory:'): (deps: { clock: Clock }) => Promise<EmptiedStore> {
  const idle: SqliteConnection[] = [];
  let isOver = false;
  afterAll(async () => {
    isOver = true;
    await Promise.all(idle.map((connection) => connection.close()));
  });

  return async ({ clock }) => {
    const connection = idle.pop() ?? (await openMigrated(file));
    const { own, end } = lend(connection);
    const db = new Kysely<Database>({ dialect: createSqliteDialect(own) });
    return {
      ...createSqliteStore({ connection: own, db, clock }),
      rows: (sql) => rowsOf(own, sql),
      async close() {
        end();
        if (isOver) return connection.close();
        await empty(connection);
        idle.push(connection);
      },
    };
  };
}

/** In memory, for every test file that is content with that. */
export const openEmptySqlite = emptiedSqlite();

async function openMigrated(file: string): Promise<SqliteConnection> {
  const connection = await openConnection(file);
  await migrate(new Kysely<Database>({ dialect: createSqliteDialect(connection) }), 'sqlite');
  return connection;
}

/** A connection that is closed to one store, so that what still goes on in there writes nothing before the next one. */
function lend(connection: SqliteConnection): { own: SqliteConnection; end: () => void } {
  let isEnded = false;
  const acquire = async () => {
    if (isEnded) throw new Error('The store has been closed.');
    return connection.acquire();
  };
  const own: SqliteConnection = {
    acquire,
    async run(statements, options) {
      const session = await acquire();
      return session.run(statements, options).finally(() => session.release());
    },
    close: () => Promise.resolve(),
  };
  return { own, end: () => (isEnded = true) };
}

/** Stands behind whatever was begun before. */
async function empty(connection: SqliteConnection): Promise<void> {
  const found = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'schema_%'";
  const tables = await rowsOf(connection, found);
  const statements = tables.map(({ name }) => ({ sql: `DELETE FROM ${String(name)}`, rows: [[]] }));
  await connection.run(statements, { transaction: true });
}

async function rowsOf(connection: SqliteConnection, sql: string): Promise<Record<string, unknown>[]> {
  const [result] = await connection.run([{ sql, rows: [[]] }]);
  return (result?.rows ?? []) as Record<string, unknown>[];
}
