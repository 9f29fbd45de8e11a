import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';
import { classify } from './errors.ts';
import { isOn, writeNothing } from './writability.ts';

/** What the doctor looks at. A variable that the server does not have is absent. */
export interface ServerFacts {
  version: string;
  /** By lower-case name, as this session sees them. */
  variables: Partial<Record<VariableName, string>>;
  /** Our tables that are not of InnoDB, with their engines. */
  foreignTables: Record<string, string>;
  isWritable: boolean;
}

const VARIABLES = [
  'transaction_isolation',
  'tx_isolation',
  'autocommit',
  'completion_type',
  'sql_mode',
  'sql_select_limit',
  'character_set_client',
  'wait_timeout',
  'innodb_flush_log_at_trx_commit',
  'log_bin',
  'sync_binlog',
  'binlog_format',
  'read_only',
  'super_read_only',
  'wsrep_on',
  'max_connections',
  'max_user_connections',
  'max_allowed_packet',
] as const;
type VariableName = (typeof VARIABLES)[number];

export async function readServerFacts(db: Kysely<Database>): Promise<ServerFacts> {
  const version = await sql<{ version: string }>`SELECT VERSION() AS version`.execute(db);
  const shown = await sql<{ Variable_name: string; Value: string }>`
    SHOW SESSION VARIABLES WHERE Variable_name IN (${sql.join([...VARIABLES])})`.execute(db);
  const tables = await sql<{ name: string; engine: string }>`
    SELECT table_name AS name, engine AS engine FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'`.execute(db);
  const variables: ServerFacts['variables'] = Object.fromEntries(
    shown.rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]),
  );
  return {
    version: version.rows[0]?.version ?? '',
    variables,
    foreignTables: Object.fromEntries(tables.rows.map(({ name, engine }) => [name, engine])),
    isWritable: !(isOn(variables.read_only) || isOn(variables.super_read_only)) || (await takesWrites(db)),
  };
}

async function takesWrites(db: Kysely<Database>): Promise<boolean> {
  try {
    await writeNothing(db);
    return true;
  } catch (error) {
    if (classify(error) === 'reconnect') return false;
    throw error;
  }
}
