import mysql from 'mysql2';
import type { MysqlPool, MysqlPoolConnection } from 'kysely';
import { classify } from './errors.ts';

/** A caller waits this long for a free connection, and then this long for its statement: together within the API's 5 s. */
const ACQUIRE_TIMEOUT_MS = 1000;
const STATEMENT_TIMEOUT_MS = 2500;

/**
 * The server drops a connection that has been silent for this long, and its row locks with it: a replica that froze or was
 * cut off hides no row for longer. Our own idle connections are closed well before.
 */
const WAIT_TIMEOUT_S = 10;
const IDLE_TIMEOUT_MS = 5000;

/** One at a time: mysql2 takes single statements only. Isolation is spelled as the standard does, which both servers know. */
const SESSION_SETUP = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  `SET SESSION time_zone = '+00:00', wait_timeout = ${WAIT_TIMEOUT_S}, innodb_lock_wait_timeout = 2, lock_wait_timeout = 2`,
];

/**
 * A mysql2 pool with what it lacks: a bound on waiting for a connection, a session set up before first use, a deadline on
 * every statement, and no way back for a connection that timed out or saw a fatal or read-only error. (mysql2 sorts those
 * out in `pool.query` only, which Kysely does not use; its own statement timeout leaves the connection open.)
 */
export function createPool(options: mysql.PoolOptions & { connectionLimit: number }): MysqlPool {
  const pool = mysql.createPool({
    ...options,
    maxIdle: 1,
    idleTimeout: IDLE_TIMEOUT_MS,
    connectTimeout: ACQUIRE_TIMEOUT_MS,
    enableKeepAlive: true,
    keepAliveInitialDelay: 5000,
    // An object given as a value would otherwise be spelled out as `a = 1, b = 2`.
    stringifyObjects: true,
    multipleStatements: false,
    timezone: 'Z',
    charset: 'utf8mb4_bin',
  });
  const ready = new WeakSet<mysql.PoolConnection>();

  function getConnection(callback: (error: unknown, connection: MysqlPoolConnection) => void): void {
    let waiting = true;
    function answer(error: unknown, connection?: mysql.PoolConnection): void {
      if (waiting) {
        waiting = false;
        clearTimeout(deadline);
        callback(error, connection === undefined ? (undefined as never) : guarded(connection));
      } else {
        connection?.release();
      }
    }
    const deadline = setTimeout(() => answer(timeout('No connection to the database became free')), ACQUIRE_TIMEOUT_MS);
    pool.getConnection((error: Error | null, connection) => {
      if (error !== null) return answer(error);
      if (ready.has(connection)) return answer(null, connection);
      setUp(connection, SESSION_SETUP, (setupError) => {
        if (setupError !== null) {
          connection.destroy();
          return answer(setupError);
        }
        ready.add(connection);
        answer(null, connection);
      });
    });
  }

  return { getConnection, end: (callback) => pool.end(callback) };
}

function setUp(connection: mysql.PoolConnection, statements: string[], done: (error: Error | null) => void): void {
  const [first, ...rest] = statements;
  if (first === undefined) return done(null);
  guarded(connection).query(first, [], (error) => (error ? done(error as Error) : setUp(connection, rest, done)));
}

/** The connection as Kysely sees it. */
function guarded(connection: mysql.PoolConnection): MysqlPoolConnection {
  return Object.assign(Object.create(connection) as MysqlPoolConnection, {
    query(sql: string, parameters: unknown[], callback: (error: unknown, result: never) => void) {
      let answered = false;
      const answer = (error: unknown, result?: unknown) => {
        if (answered) return;
        answered = true;
        clearTimeout(deadline);
        if (error && classify(error) === 'reconnect') connection.destroy();
        callback(error, result as never);
      };
      const deadline = setTimeout(() => answer(timeout('A statement got no answer')), STATEMENT_TIMEOUT_MS);
      return connection.query(sql, parameters, answer);
    },
    release: () => connection.release(),
  });
}

const timeout = (what: string): Error => Object.assign(new Error(`${what} in time.`), { code: 'ETIMEDOUT' });
