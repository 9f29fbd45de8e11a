import { MysqlDialect, type Dialect } from 'kysely';
import type { MysqlSettings } from '../settings.ts';
import { ACQUIRE_MS, createPool } from './pool.ts';
import { openSession, type SessionOptions } from './session.ts';

/** `holdMs` bounds how long one connection is held, transactions included. */
export function createMysqlDialect(
  settings: MysqlSettings,
  { size, holdMs }: { size: number; holdMs: number },
): Dialect {
  const options = sessionOptions(settings);
  const open = () => openSession(options, ACQUIRE_MS);
  // Made with its first use: Kysely does not close a pool that it has never used.
  return new MysqlDialect({ pool: () => Promise.resolve(createPool({ open, size, holdMs })) });
}

export function sessionOptions({ host, port, user, password, database, tls }: MysqlSettings): SessionOptions {
  const login = { host, port, user, password, database };
  if (tls.mode === 'off') return login;
  const isVerified = tls.mode === 'verify';
  return {
    ...login,
    ssl: {
      minVersion: 'TLSv1.2',
      rejectUnauthorized: isVerified,
      verifyIdentity: isVerified,
      ...(tls.ca === null ? {} : { ca: tls.ca }),
    },
  };
}
