import { Kysely } from 'kysely';
import type { Clock } from '../../platform/index.ts';
import type { DiagnosableStore } from '../diagnosable-store.ts';
import { migrate } from '../migrate.ts';
import type { Database } from '../schema.ts';
import type { SqliteSettings } from '../settings.ts';
import { StoreStartError } from '../start-error.ts';
import { openConnection } from './connection.ts';
import { diagnoseSqlite } from './doctor.ts';
import { createSqliteDialect } from './dialect.ts';
import { createSqliteStore } from './sqlite-store.ts';
import { EXPIRE_DEAD_SENDS, RELEASE_DEAD_LEASES } from './statements.ts';

/** What to do, by the primary result code. */
const REMEDIES: Record<number, string> = {
  8: 'Check that this user may write it and its folder.',
  10: 'Check that this user may write it and its folder, and that its disk has room and is well.',
  11: 'Restore a backup of it, or name another file in DATABASE_URL.',
  13: 'Make room on its disk.',
  14: 'Check that its folder exists and is writable (DATABASE_URL).',
  26: 'Restore a backup of it, or name another file in DATABASE_URL.',
};
const OTHER_REMEDY = 'Is it the file of another program? Then name another in DATABASE_URL.';
const SQLITE_BUSY = 5;

/** Opens or makes the file, brings its tables up to date, and takes back what a dead process held. */
export async function openSqliteStore(
  { file }: SqliteSettings,
  { clock }: { clock: Clock },
): Promise<DiagnosableStore> {
  const connection = await openConnection(file).catch((error: unknown) => {
    throw toStartError(error, file);
  });
  const db = new Kysely<Database>({ dialect: createSqliteDialect(connection) });
  try {
    await migrate(db, 'sqlite');
    await connection.run([
      { sql: EXPIRE_DEAD_SENDS, rows: [[Math.floor(clock.now())]] },
      { sql: RELEASE_DEAD_LEASES, rows: [[]] },
    ]);
    return { ...createSqliteStore({ connection, db, clock }), diagnose: () => diagnoseSqlite(connection) };
  } catch (error) {
    await connection.close();
    throw toStartError(error, file);
  }
}

function toStartError(error: unknown, file: string): StoreStartError {
  const { errcode, message } = error as { errcode?: number | null; message: string };
  const result = (errcode ?? 0) & 0xff;
  const remedy = errcode === undefined || errcode === null ? REMEDIES[14] : (REMEDIES[result] ?? OTHER_REMEDY);
  const text =
    result === SQLITE_BUSY
      ? `The SQLite file ${file} is in use by another process. One process may open it at a time: stop the other, name another file in DATABASE_URL, or use MySQL for several replicas.`
      : `The SQLite file ${file} cannot be used: ${message.replace(/\.$/, '')}. ${remedy ?? ''}`;
  return new StoreStartError(text, { transient: false, cause: error });
}
