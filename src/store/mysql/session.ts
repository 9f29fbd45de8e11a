import { connect, isIP } from 'node:net';
import mysql from 'mysql2';
import { classify } from './errors.ts';

export interface SessionOptions {
  host: string;
  port: number;
  user: string;
  password: string;
  /** Undefined to be in none. */
  database: string | undefined;
  ssl?: mysql.SslOptions;
}

/** Resolves with what mysql2 makes of the answer: rows, or the packet that counts them. */
export type Answer = (error: Error | null, result?: unknown) => void;

/** A connection to the database, ready for statements, one at a time. Once broken it stays so. */
export interface Session {
  query(sql: string, parameters: unknown[], answer: Answer): void;
  /** Answers the statement under way with the error and closes the connection, whatever its other end does. */
  fail(error: Error): void;
  /** Says goodbye to the server. */
  end(): void;
  isBroken(): boolean;
  /** By the monotonic clock. */
  openedAt: number;
}

/**
 * The server drops a connection that has been silent for this long, and its row locks with it: a replica that froze or was
 * cut off, also in the middle of sending a statement, hides no row for longer. Our own idle connections are closed well
 * before.
 */
const SILENCE_S = 10;
/**
 * A wait for a row or for a table's schema ends before the caller's patience does. InnoDB looks at its waits once a second,
 * so one for a row may take a second longer than this.
 */
const ROW_WAIT_S = 1;
const SCHEMA_WAIT_S = 2;
const GOODBYE_MS = 500;
const KEEP_ALIVE_MS = 5000;

/**
 * Everything that our statements rest on, since a server can have each session begin with something else: without
 * `autocommit` nothing is stored, under NO_BACKSLASH_ESCAPES a text in quotes ends where its author wants, a limit on
 * selects leaves claimed rows unread. Isolation and access are spelled as the standard does, which both servers know; what
 * only one of them has is in a comment that the other skips.
 */
const SETUP = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE',
  'SET NAMES utf8mb4 COLLATE utf8mb4_bin',
  `SET SESSION autocommit = 1, completion_type = 'NO_CHAIN', sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
     default_storage_engine = InnoDB, sql_safe_updates = 0, sql_big_selects = 1, sql_select_limit = ${2n ** 64n - 1n},
     time_zone = '+00:00', wait_timeout = ${SILENCE_S}, innodb_lock_wait_timeout = ${ROW_WAIT_S},
     lock_wait_timeout = ${SCHEMA_WAIT_S} /*!80000 , max_execution_time = 0 */ /*M! , max_statement_time = 0 */`,
];

/** Connects, logs in and sets the session up, all of it within `withinMs`. */
export async function openSession(options: SessionOptions, withinMs: number): Promise<Session> {
  const { host, port, user, password, database, ssl } = options;
  // A socket of our own, because mysql2 only ever half-closes its: one whose other end is silent would stay for minutes.
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
  const connection = mysql.createConnection({
    user,
    password,
    ...(database === undefined ? {} : { database }),
    ...(ssl === undefined ? {} : { ssl }),
    // For the certificate alone. mysql2 would hold that of an address against no name, and Node then against "localhost";
    // with a dot at its end the address is a name to mysql2, and itself again to Node's check.
    host: isIP(host) === 0 ? host : `${host}.`,
    stream: () => socket,
    // An object given as a value would otherwise be spelled out as `a = 1, b = 2`.
    stringifyObjects: true,
    multipleStatements: false,
    // We prepare none, and mysql2 sets aside half a megabyte for sixteen thousand, also for a connection that fails.
    maxPreparedStatements: 1,
    timezone: 'Z',
    charset: 'utf8mb4_bin',
    connectTimeout: withinMs,
  });
  let broken: Error | undefined;
  let underWay: Answer | undefined;

  function settle(error: Error | null, result?: unknown): void {
    const answer = underWay;
    underWay = undefined;
    answer?.(error, result);
  }

  function fail(error: Error): void {
    if (broken !== undefined) return;
    broken = error;
    connection.destroy();
    socket.destroy();
    settle(error);
  }

  const session: Session = {
    query(sql, parameters, answer) {
      if (broken !== undefined) {
        answer(broken);
        return;
      }
      underWay = answer;
      connection.query(sql, parameters, (error, result) => {
        if (error !== null && classify(error) === 'reconnect') fail(error);
        settle(error, result);
      });
    },
    fail,
    end() {
      connection.end();
      setTimeout(() => fail(lost()), GOODBYE_MS).unref();
    },
    isBroken: () => broken !== undefined,
    openedAt: performance.now(),
  };

  connection.on('error', fail);
  socket.on('close', () => fail(lost()));
  const deadline = setTimeout(() => fail(timeout('The database took too long to let us in')), withinMs);
  try {
    for (const statement of SETUP) await run(session, statement);
    return session;
  } catch (error) {
    fail(error as Error);
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

const run = (session: Session, statement: string): Promise<void> =>
  new Promise((resolve, reject) => {
    session.query(statement, [], (error) => (error ? reject(error) : resolve()));
  });

const lost = (): Error => Object.assign(new Error('The connection was lost.'), { code: 'PROTOCOL_CONNECTION_LOST' });

export const timeout = (what: string): Error => Object.assign(new Error(`${what}.`), { code: 'ETIMEDOUT' });
