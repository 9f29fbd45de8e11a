import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import type { SqliteConnection, SqliteSession } from './connection.ts';

/** Kysely thinks that SQLite cannot take back changes of the schema, and would leave half of them behind a crash. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Kysely over the worker's connection. There is one connection, so whoever holds it has the file to himself. */
export function createSqliteDialect(connection: SqliteConnection): Dialect {
  return {
    createAdapter: () => new TransactionalAdapter(),
    createDriver: () => createDriver(connection),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

interface HeldConnection extends DatabaseConnection {
  session: SqliteSession;
}

function createDriver(connection: SqliteConnection): Driver {
  const say = (sql: string) => async (held: DatabaseConnection) => {
    await held.executeQuery(CompiledQuery.raw(sql));
  };
  return {
    init: async () => {},
    acquireConnection: async () => hold(await connection.acquire()),
    releaseConnection(held) {
      (held as HeldConnection).session.release();
      return Promise.resolve();
    },
    beginTransaction: say('begin immediate'),
    commitTransaction: say('commit'),
    // A full disk has rolled back already; what this says then must not stand in the place of what went wrong.
    rollbackTransaction: (held) => say('rollback')(held).catch(() => undefined),
    destroy: () => connection.close(),
  };
}

function hold(session: SqliteSession): HeldConnection {
  return {
    session,
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const [result] = await session.run([{ sql, rows: [[...parameters]] }]);
      return { rows: (result?.rows ?? []) as R[], numAffectedRows: BigInt(result?.changes ?? 0) };
    },
    streamQuery() {
      throw new Error('Rows are not streamed from SQLite.');
    },
  };
}
