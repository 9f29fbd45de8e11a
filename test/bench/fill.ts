import { createConnection } from 'mysql2/promise';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { queryServer } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { fillTimers } from '../store/many-timers.ts';

export interface Fill {
  count: number;
  /** How its ids begin; the status if left out. */
  family?: Family;
  status: 'waiting' | 'done';
  /** SQL over `n`, which counts from 0: when the n-th wakes, epoch ms. */
  wakeAt: string;
  url: string;
}

/** So that several fills fit into one table. */
const FAMILIES = { waiting: '0199f1d02b1e7c3a', done: '0199f1d02b1e7c3b', later: '0199f1d02b1e7c3c' };
type Family = keyof typeof FAMILIES;

const SECONDARY_INDEXES = `
  SELECT index_name AS name, GROUP_CONCAT(column_name ORDER BY seq_in_index) AS list
    FROM information_schema.statistics
   WHERE table_schema = DATABASE() AND table_name = 'timers' AND index_name <> 'PRIMARY' GROUP BY index_name`;

/**
 * Brings the database's tables up to date and fills them by statements of their own: nobody waits for this, or measures it.
 * Indexes are built when all rows are there. Meanwhile the server keeps no redo log; before it keeps one again it writes
 * every page, so that nothing is left to be written beside what is measured.
 */
export async function fillDatabase(databaseUrl: string, fills: Fill[]): Promise<void> {
  await (await openMysqlStore(mysqlSettings(databaseUrl))).close();
  const query = (text: string) => queryServer(databaseUrl, text);
  const indexes = await query(SECONDARY_INDEXES);
  await query('ALTER INSTANCE DISABLE INNODB REDO_LOG');
  try {
    await query(`ALTER TABLE timers ${indexes.map(({ name }) => `DROP KEY ${name as string}`).join(', ')}`);
    await Promise.all(fills.map((fill) => addTimers(databaseUrl, fill)));
    await query(
      `ALTER TABLE timers ${indexes.map(({ name, list }) => `ADD KEY ${name as string} (${list as string})`).join(', ')}`,
    );
  } finally {
    await query('ALTER INSTANCE ENABLE INNODB REDO_LOG');
  }
  await query('ANALYZE TABLE timers');
}

/** Adds to tables that are in use. */
export async function addTimers(
  databaseUrl: string,
  { count, status, family = status, wakeAt, url }: Fill,
): Promise<void> {
  const made = {
    id: `concat('${FAMILIES[family]}', lpad(hex(n), 16, '0'))`,
    status: `'${status}'`,
    wake_at: wakeAt,
    due_at: wakeAt,
    next_attempt_at: wakeAt,
    created_at: `${wakeAt} - 1000`,
    url: `'${url}'`,
  };
  const connection = await createConnection(databaseUrl);
  try {
    await connection.query('SET SESSION sql_log_bin = 0, unique_checks = 0');
    for (const statement of fillTimers('mysql', count, made)) await connection.query(statement);
  } finally {
    connection.destroy();
  }
}

/** The id of the n-th timer of a fill. */
export function filledId(family: Family, n: number): string {
  const hex = FAMILIES[family] + n.toString(16).padStart(16, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5').toLowerCase();
}
