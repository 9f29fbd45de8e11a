import { Kysely } from 'kysely';
import mysql from 'mysql2';
import type { DiagnosableStore } from '../diagnosable-store.ts';
import type { Finding } from '../finding.ts';
import { migrate } from '../migrate.ts';
import type { Database } from '../schema.ts';
import type { MysqlSettings } from '../settings.ts';
import { StoreStartError } from '../start-error.ts';
import type { LockingClause } from './claim.ts';
import { createMysqlDialect, sessionOptions } from './dialect.ts';
import { examine } from './doctor.ts';
import { createMysqlStore } from './mysql-store.ts';
import { createRetrying } from './retrying.ts';
import { readServerFacts } from './server-facts.ts';
import { openSession } from './session.ts';
import { trySkipLocked } from './skip-locked.ts';
import { toStartError } from './start-failure.ts';

/** For a pass, results, marks and large bodies. What replicas tell of destinations, and the doctor, are seldom. */
const SCHEDULER_CONNECTIONS = 4;
/** What one verb may take on its connection; a second try is begun only if the first failed early. */
const HOLD_MS = 2500;
/** A schema change on many millions of rows, or the wait for the replica that makes it. */
const MIGRATION_HOLD_MS = 3_600_000;
const CONNECT_MS = 3000;
const UNKNOWN_DATABASE = 1049;

/**
 * Makes the database where it is missing and the user may, brings its tables up to date, and makes sure of what the store
 * rests on; see `doctor.ts`. Tests may give a `lockingClause`; otherwise it is what the server was seen to understand.
 */
export async function openMysqlStore(
  settings: MysqlSettings,
  options: { lockingClause?: LockingClause } = {},
): Promise<DiagnosableStore> {
  const { poolSize } = settings;
  const connect = (size: number, holdMs = HOLD_MS) =>
    new Kysely<Database>({ dialect: createMysqlDialect(settings, { size, holdMs }) });
  const api = connect(Math.max(poolSize - SCHEDULER_CONNECTIONS, 1));
  const scheduler = connect(SCHEDULER_CONNECTIONS);
  const starting = connect(2, MIGRATION_HOLD_MS);
  try {
    await ensureDatabase(settings);
    refuseIfBroken(examine({ ...(await readServerFacts(starting)), poolSize }), settings);
    await migrate(starting, 'mysql');
    const skipping = await trySkipLocked(starting);
    const look = async (db: Kysely<Database>) => examine({ ...(await readServerFacts(db)), poolSize, skipping });
    refuseIfBroken(await look(scheduler), settings);
    const lockingClause = options.lockingClause ?? (skipping === 'refuses' ? '' : 'FOR UPDATE SKIP LOCKED');
    return {
      ...createMysqlStore({ api, scheduler, lockingClause }),
      diagnose: () => createRetrying(scheduler)(look),
    };
  } catch (error) {
    await Promise.allSettled([api.destroy(), scheduler.destroy()]);
    throw toStartError(error, settings);
  } finally {
    await starting.destroy();
  }
}

async function ensureDatabase(settings: MysqlSettings): Promise<void> {
  const options = sessionOptions(settings);
  try {
    (await openSession(options, CONNECT_MS)).end();
  } catch (error) {
    if ((error as { errno?: number }).errno !== UNKNOWN_DATABASE) throw error;
    const session = await openSession({ ...options, database: undefined }, CONNECT_MS);
    const statement = `CREATE DATABASE IF NOT EXISTS ${mysql.escapeId(settings.database, true)} CHARACTER SET utf8mb4`;
    await new Promise((resolve, reject) => {
      session.query(statement, [], (failure) => (failure ? reject(failure) : resolve(undefined)));
    }).finally(() => session.end());
  }
}

/** A fail-over ends by itself; nothing else here does. */
function refuseIfBroken(findings: Finding[], { host, port }: MysqlSettings): void {
  const broken = findings.find(({ severity }) => severity === 'breaks');
  if (broken === undefined) return;
  throw new StoreStartError(`The database at ${host}:${port} cannot be used. ${broken.detail}`, {
    transient: broken.name === 'read_only',
  });
}
