/**
 * What an error of the database or of the way to it calls for:
 * - `repeat`: the statement (or transaction) was rolled back as a whole; do it again.
 * - `reconnect`: the connection is of no more use, and whether a write was done is open.
 * - `value`: what was to be written does not fit its column.
 * - `refuse`: nobody but the operator can mend it (wrong password, missing grant); trying again is idle.
 * - `bug`: the statement itself is wrong.
 */
export type ErrorClass = 'repeat' | 'reconnect' | 'value' | 'refuse' | 'bug';

/** By error number, as both servers send it; Galera and Group Replication report a lost certification as a deadlock. */
const CLASS_BY_ERRNO: Record<number, ErrorClass> = {
  1213: 'repeat', // deadlock, also at COMMIT
  1205: 'repeat', // lock wait timeout
  1020: 'repeat', // MariaDB: record has changed since last read
  1180: 'repeat', // error during COMMIT
  3101: 'repeat', // Group Replication rolled the transaction back
  1637: 'reconnect', // too many transactions
  1040: 'reconnect', // too many connections
  1203: 'reconnect', // too many connections of this user
  1226: 'reconnect', // user's resource limit
  1047: 'reconnect', // Galera: node is not in the primary component
  3100: 'reconnect', // Group Replication: the member stops, was expelled or recovers; at COMMIT
  3781: 'reconnect', // a new primary applies what it has yet to, and this took too long
  3782: 'reconnect', // or was ended
  3783: 'reconnect', // or failed
  3796: 'reconnect', // the member is not online
  3797: 'reconnect', // it could not wait for what others had committed
  3798: 'reconnect',
  3799: 'reconnect', // it stops
  1053: 'reconnect', // server shutdown
  1077: 'reconnect',
  1079: 'reconnect',
  1152: 'reconnect', // aborted connection
  1158: 'reconnect', // network errors
  1159: 'reconnect',
  1160: 'reconnect',
  1161: 'reconnect',
  1290: 'reconnect', // --read-only after a fail-over
  1792: 'reconnect', // read-only transaction
  1836: 'reconnect', // read-only mode
  1317: 'reconnect', // statement interrupted
  1927: 'reconnect', // connection killed
  3032: 'reconnect', // server in offline mode
  3169: 'reconnect', // session killed
  3024: 'reconnect', // max_execution_time
  1969: 'reconnect', // max_statement_time
  4031: 'reconnect', // idle for wait_timeout
  1021: 'reconnect', // disk full
  1030: 'reconnect', // storage engine
  1114: 'reconnect', // table full
  1206: 'reconnect', // lock table full
  2006: 'reconnect', // sent on by proxies
  2013: 'reconnect',
  8002: 'repeat', // TiDB: write conflicts
  8022: 'repeat',
  9007: 'repeat',
  // What no SQLSTATE tells to be of the value.
  1265: 'value', // not of the ENUM
  1366: 'value', // not of the column's character set
  3854: 'value',
  4038: 'value', // MariaDB: not valid JSON
  1044: 'refuse',
  1045: 'refuse',
  1049: 'refuse',
  1129: 'refuse',
  1130: 'refuse',
  1142: 'refuse',
  1143: 'refuse',
  1227: 'refuse',
  1698: 'refuse',
  3159: 'refuse', // encrypted connections only
};

/** Data exception, and violation of a constraint. */
const VALUE_STATES = /^2[23]/;

const CONNECTION_CODES = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'PROTOCOL_PACKETS_OUT_OF_ORDER',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Encryption that cannot be agreed on; a connection that broke meanwhile has the same code. */
const TLS_CODES = new Set(['HANDSHAKE_NO_SSL_SUPPORT', 'HANDSHAKE_SSL_ERROR']);
const BROKE_MEANWHILE = /disconnected|ECONNRESET|ETIMEDOUT|EPIPE|socket hang up/;

/** mysql2 gives these no code. */
const CONNECTION_MESSAGE = /closed state|Pool is closed|Queue limit|No connections available|Connection lost/;

interface ServerError {
  errno?: number;
  sqlState?: string;
  code?: string;
  fatal?: boolean;
  message?: string;
}

export function classify(error: unknown): ErrorClass {
  if (typeof error !== 'object' || error === null) return 'bug';
  const { errno, sqlState, code, fatal, message } = error as ServerError;
  const byNumber = errno === undefined ? undefined : CLASS_BY_ERRNO[errno];
  if (byNumber !== undefined) return byNumber;
  if (sqlState !== undefined && VALUE_STATES.test(sqlState)) return 'value';
  if (code !== undefined && TLS_CODES.has(code)) return BROKE_MEANWHILE.test(message ?? '') ? 'reconnect' : 'refuse';
  if (fatal === true || (code !== undefined && CONNECTION_CODES.has(code))) return 'reconnect';
  return CONNECTION_MESSAGE.test(message ?? '') ? 'reconnect' : 'bug';
}

/** The server has as many connections, of all or of us, as it takes. */
export const isTooMany = (error: unknown): boolean =>
  [1040, 1203, 1226].includes((error as { errno?: number }).errno ?? 0);

/** The row is already there. */
export const isDuplicateKey = (error: unknown): boolean => (error as { errno?: number }).errno === 1062;
