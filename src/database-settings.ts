import { readFileSync } from 'node:fs';
import type { StoreSettings } from './store/index.ts';

/** The variables that say where the timers are kept, as read. */
export interface DatabaseVariables {
  DATABASE_URL?: string | undefined;
  DB_HOST?: string | undefined;
  DB_PORT?: number | undefined;
  DB_USER?: string | undefined;
  DB_PASSWORD?: string | undefined;
  DB_PASSWORD_FILE?: string | undefined;
  DB_NAME?: string | undefined;
  DB_POOL_SIZE: number;
  DB_TLS: 'off' | 'required' | 'verify';
  DB_TLS_CA?: string | undefined;
}

const DEFAULT_URL = 'sqlite:data/punctual.db';
const DEFAULT_PORT = 3306;
const DEFAULT_NAME = 'timer_db';
const PARTS = ['DB_HOST', 'DB_PORT', 'DB_USER', 'DB_PASSWORD', 'DB_PASSWORD_FILE', 'DB_NAME'] as const;

/** Throws an Error that names the variable and the remedy. */
export function readDatabaseSettings(variables: DatabaseVariables): StoreSettings {
  const given = PARTS.filter((name) => variables[name] !== undefined);
  if (variables.DATABASE_URL !== undefined && given.length > 0) {
    throw new Error(
      `DATABASE_URL and ${given.join(', ')} are both set. Keep one of the two ways to name the database.`,
    );
  }
  if (given.length > 0) return fromParts(variables);
  return fromUrl(variables.DATABASE_URL ?? DEFAULT_URL, variables);
}

function fromParts(variables: DatabaseVariables): StoreSettings {
  const { DB_HOST, DB_PORT, DB_USER, DB_NAME } = variables;
  if (DB_HOST === undefined)
    throw new Error('DB_HOST is missing beside the other DB_ variables. Set it to the host of the database.');
  if (DB_USER === undefined) throw new Error('DB_USER is missing. Set it to the user of the database.');
  return {
    engine: 'mysql',
    host: DB_HOST,
    port: DB_PORT ?? DEFAULT_PORT,
    user: DB_USER,
    password: readPassword(variables),
    database: DB_NAME ?? DEFAULT_NAME,
    ...connection(variables),
  };
}

function readPassword({ DB_PASSWORD, DB_PASSWORD_FILE }: DatabaseVariables): string {
  if (DB_PASSWORD_FILE === undefined) return DB_PASSWORD ?? '';
  if (DB_PASSWORD !== undefined) throw new Error('DB_PASSWORD and DB_PASSWORD_FILE are both set. Keep one of them.');
  return readFile('DB_PASSWORD_FILE', DB_PASSWORD_FILE).replace(/\r?\n$/, '');
}

function fromUrl(text: string, variables: DatabaseVariables): StoreSettings {
  if (text.startsWith('sqlite:')) {
    const file = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    if (/^(\/\/|file:)/.test(file))
      throw new Error(
        'DATABASE_URL: a SQLite file is named by its path alone. Write it like sqlite:data/punctual.db or sqlite:/var/lib/punctual.db.',
      );
    if (file === '') throw new Error('DATABASE_URL names no file. Write it like sqlite:data/punctual.db.');
    return { engine: 'sqlite', file };
  }
  const form = 'Write it like mysql://user:password@host:3306/database or sqlite:data/punctual.db.';
  const url = URL.parse(text);
  if (url === null || !['mysql:', 'mariadb:'].includes(url.protocol)) {
    throw new Error(`DATABASE_URL is no address of a database. ${form}`);
  }
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decode);
  if (!url.hostname || !user || !database || database.includes('/')) {
    throw new Error(`DATABASE_URL needs a user, a host and the name of a database. ${form}`);
  }
  if (url.search !== '')
    throw new Error('DATABASE_URL takes no parameters after "?". Use DB_POOL_SIZE, DB_TLS and DB_TLS_CA.');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { engine: 'mysql', host, port, user, password: password ?? '', database, ...connection(variables) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error('DATABASE_URL has a "%" that begins no escape. Write special characters of the password as %xx.');
  }
}

function connection({ DB_POOL_SIZE, DB_TLS, DB_TLS_CA }: DatabaseVariables) {
  if (DB_TLS_CA !== undefined && DB_TLS !== 'verify')
    throw new Error('DB_TLS_CA is set, but only DB_TLS=verify uses it. Set that too.');
  const ca = DB_TLS_CA === undefined ? null : readFile('DB_TLS_CA', DB_TLS_CA);
  return { poolSize: DB_POOL_SIZE, tls: { mode: DB_TLS, ca } };
}

function readFile(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${variable} names a file that cannot be read: ${path}.`, { cause: error });
  }
}
