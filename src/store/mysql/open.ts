import { Kysely, MysqlDialect, sql } from 'kysely';
import mysql from 'mysql2';
import mysqlPromise from 'mysql2/promise';
import type { TimerStore } from '../../timers/index.ts';
import { migrate } from '../migrate.ts';
import type { Database } from '../schema.ts';
import type { MysqlSettings } from '../settings.ts';
import { StoreStartError } from '../start-error.ts';
import type { LockingClause } from './claim.ts';
import { classify } from './errors.ts';
import { createMysqlStore } from './mysql-store.ts';
import { createPool } from './pool.ts';

/** A pass, the recorder and short timers, with one to spare. */
const ENGINE_CONNECTIONS = 4;
const UNKNOWN_DATABASE = 1049;

/** Makes the database where it is missing and the user may, brings its tables up to date, and checks what the claims rest on. */
export async function openMysqlStore(
  settings: MysqlSettings,
  { lockingClause = 'FOR UPDATE SKIP LOCKED' }: { lockingClause?: LockingClause } = {},
): Promise<TimerStore> {
  const connection = connectionOptions(settings);
  // Made with its first use: Kysely does not close a pool that it has never used.
  const connect = (connectionLimit: number) => {
    const pool = () => Promise.resolve(createPool({ ...connection, connectionLimit }));
    return new Kysely<Database>({ dialect: new MysqlDialect({ pool }) });
  };
  const api = connect(Math.max(settings.poolSize - ENGINE_CONNECTIONS, 1));
  const engine = connect(ENGINE_CONNECTIONS);
  try {
    await ensureDatabase(connection);
    await migrate(engine, 'mysql');
    await assertReadCommitted(engine);
    return createMysqlStore({ api, engine, lockingClause });
  } catch (error) {
    await Promise.allSettled([api.destroy(), engine.destroy()]);
    throw toStartError(error, settings);
  }
}

function connectionOptions({ host, port, user, password, database, tls }: MysqlSettings) {
  return {
    host,
    port,
    user,
    password,
    database,
    ...(tls.mode === 'off' ? {} : { ssl: tlsOptions(tls) }),
  };
}

function tlsOptions({ mode, ca }: MysqlSettings['tls']): mysql.SslOptions {
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: mode === 'verify',
    verifyIdentity: mode === 'verify',
    ...(ca === null ? {} : { ca }),
  };
}

async function ensureDatabase(connection: ReturnType<typeof connectionOptions>): Promise<void> {
  const { database, ...server } = connection;
  try {
    const probe = await mysqlPromise.createConnection({ ...connection, connectTimeout: 3000 });
    await probe.end();
  } catch (error) {
    if ((error as { errno?: number }).errno !== UNKNOWN_DATABASE) throw error;
    const maker = await mysqlPromise.createConnection({ ...server, connectTimeout: 3000 });
    try {
      await maker.query(`CREATE DATABASE IF NOT EXISTS ${mysql.escapeId(database, true)} CHARACTER SET utf8mb4`);
    } finally {
      await maker.end();
    }
  }
}

/** Under REPEATABLE READ a claim that finds nothing locks the gap and blocks every insert. */
async function assertReadCommitted(db: Kysely<Database>): Promise<void> {
  const { rows } = await sql<{
    Value: string;
  }>`SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')`.execute(db);
  if (rows.every(({ Value }) => Value === 'READ-COMMITTED')) return;
  throw new StoreStartError(
    `The database opened a session under ${rows[0]?.Value ?? 'an unknown isolation level'} although READ COMMITTED was asked for; is there a proxy in between that resets sessions?`,
    { transient: false },
  );
}

function toStartError(error: unknown, { host, port, user, database }: MysqlSettings): StoreStartError {
  if (error instanceof StoreStartError) return error;
  const { errno, code, message } = error as { errno?: number; code?: string; message?: string };
  const at = `${host}:${port}`;
  const transient = classify(error) === 'reconnect' || classify(error) === 'repeat';
  const text =
    errno === 1045 || errno === 1698
      ? `The database at ${at} refused the user "${user}". Check the user and the password (DATABASE_URL, or DB_USER with DB_PASSWORD or DB_PASSWORD_FILE).`
      : errno === 1044 || errno === 1142 || errno === 1227
        ? `The user "${user}" may not use or create the database "${database}" at ${at}. Create it, or grant: GRANT ALL ON ${database}.* TO '${user}'.`
        : transient
          ? `The database at ${at} cannot be reached (${code ?? message ?? 'no reason given'}). Is it running, and do DATABASE_URL or DB_HOST and DB_PORT name it?`
          : `The database at ${at} cannot be used: ${message ?? 'no reason given'}`;
  return new StoreStartError(text, { transient, cause: error });
}
