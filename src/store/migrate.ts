import { readdir, readFile } from 'node:fs/promises';
import { sql, type Kysely } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import type { Database } from './schema.ts';

const TABLE = 'schema_migrations';
const LOCK_TABLE = `${TABLE}_lock`;
const FOLDER = new URL('../../migrations/', import.meta.url);

/**
 * Brings the tables up to date. Replicas that start together take turns (a named lock on MySQL); a file that was cut off
 * midway is run again from its beginning, so on MySQL, where DDL commits by itself, each statement of it can be repeated.
 *
 * A version has to run on the tables of the one after it: while replicas are replaced one by one, an old one may start
 * again, and who goes back to the version before finds them too. So a file may add, and take away only what the version
 * before did not use any more.
 */
export async function migrate(db: Kysely<Database>, engine: 'mysql' | 'sqlite'): Promise<string[]> {
  const ours = await readMigrations(engine);
  const isNew = !(await db.introspection.getTables()).some(({ name }) => name === TABLE);
  if (isNew && engine === 'mysql') await createOwnTables(db);
  const migrations = isNew ? ours : { ...ours, ...(await newerMigrations(db, ours)) };
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableName: TABLE,
    migrationLockTableName: LOCK_TABLE,
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error('The migration failed.', { cause: error });
  return (results ?? []).map(({ migrationName }) => migrationName);
}

/** The migrator's own, as it would make them, but so that their keys fit whatever the server's defaults are. */
async function createOwnTables(db: Kysely<Database>): Promise<void> {
  const options = sql`CHARSET = ascii ENGINE = InnoDB ROW_FORMAT = DYNAMIC`;
  await sql`
    CREATE TABLE IF NOT EXISTS ${sql.table(TABLE)} (
      name VARCHAR(255) NOT NULL PRIMARY KEY, timestamp VARCHAR(255) NOT NULL) ${options}`.execute(db);
  await sql`
    CREATE TABLE IF NOT EXISTS ${sql.table(LOCK_TABLE)} (
      id VARCHAR(255) NOT NULL PRIMARY KEY, is_locked INTEGER NOT NULL DEFAULT 0) ${options}`.execute(db);
}

async function readMigrations(engine: string): Promise<Record<string, Migration>> {
  const folder = new URL(`${engine}/`, FOLDER);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Object.fromEntries(files.map((file) => [file.slice(0, -'.sql'.length), fromFile(new URL(file, folder))]));
}

/** What a newer version has done here, as steps without work: the migrator takes those it does not know for damage. */
async function newerMigrations(db: Kysely<Database>, ours: object): Promise<Record<string, Migration>> {
  const last = Object.keys(ours).sort().at(-1);
  const { rows } = await sql<{ name: string }>`SELECT name FROM ${sql.table(TABLE)} WHERE name > ${last}`.execute(db);
  return Object.fromEntries(rows.map(({ name }) => [name, { up: () => Promise.resolve() }]));
}

/** Statements end with a semicolon at the end of a line; comments begin with two dashes. */
function fromFile(file: URL): Migration {
  return {
    async up(db) {
      const text = (await readFile(file, 'utf8')).replaceAll(/--.*$/gm, '');
      for (const statement of text.split(/;\s*$/m)) {
        if (statement.trim() !== '') await sql.raw(statement).execute(db);
      }
    },
  };
}
