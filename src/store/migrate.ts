import { readdir, readFile } from 'node:fs/promises';
import { sql, type Kysely } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import type { Database } from './schema.ts';

const FOLDER = new URL('../../migrations/', import.meta.url);

/**
 * Brings the tables up to date. Replicas that start together take turns (a named lock on MySQL); a file that was cut off
 * midway is run again from its beginning, so on MySQL, where DDL commits by itself, each statement of it can be repeated.
 */
export async function migrate(db: Kysely<Database>, engine: 'mysql' | 'sqlite'): Promise<string[]> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => readMigrations(engine) },
    migrationTableName: 'schema_migrations',
    migrationLockTableName: 'schema_migrations_lock',
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error('The migration failed.', { cause: error });
  return (results ?? []).map(({ migrationName }) => migrationName);
}

async function readMigrations(engine: string): Promise<Record<string, Migration>> {
  const folder = new URL(`${engine}/`, FOLDER);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Object.fromEntries(files.map((file) => [file.slice(0, -'.sql'.length), fromFile(new URL(file, folder))]));
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
