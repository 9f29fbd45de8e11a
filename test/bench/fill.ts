import { createConnection } from 'mysql2/promise';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { queryServer } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { fillTimers } from '../store/many-timers.ts';

export interface Fill {
  count: number;
  status: 'waiting' | 'done';
  /** SQL over `n`, which counts from 0: when the n-th wakes, epoch ms. */
  wakeAt: string;
  url: string;
}

/** The ids of every status begin differently, so that two fills fit into one table. */
const FAMILIES = { waiting: '0199f1d02b1e7c3a', done: '0199f1d02b1e7c3b' };

const CONNECTIONS = 2;

/**
 * Brings the database's tables up to date and fills them by statements of their own: nobody waits for this, or measures it.
 * Meanwhile the server keeps no redo log; before it keeps one again it writes every page, so that nothing is left to be
 * written beside what is measured.
 */
export async function fillDatabase(databaseUrl: string, fills: Fill[]): Promise<void> {
  await (await openMysqlStore(mysqlSettings(databaseUrl))).close();
  const statements = fills.flatMap(statementsOf);
  await queryServer(databaseUrl, 'ALTER INSTANCE DISABLE INNODB REDO_LOG');
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, () => sendAll(databaseUrl, statements)));
  } finally {
    await queryServer(databaseUrl, 'ALTER INSTANCE ENABLE INNODB REDO_LOG');
  }
  await queryServer(databaseUrl, 'ANALYZE TABLE timers');
}

function statementsOf({ count, status, wakeAt, url }: Fill): string[] {
  return fillTimers('mysql', count, {
    id: `concat('${FAMILIES[status]}', lpad(hex(n), 16, '0'))`,
    status: `'${status}'`,
    wake_at: wakeAt,
    due_at: wakeAt,
    next_attempt_at: wakeAt,
    created_at: `${wakeAt} - 1000`,
    url: `'${url}'`,
  });
}

/** Takes the first statement that is left until there is none; the other connections do so too. */
async function sendAll(databaseUrl: string, statements: string[]): Promise<void> {
  const connection = await createConnection(databaseUrl);
  try {
    await connection.query('SET SESSION sql_log_bin = 0, unique_checks = 0');
    for (let next = statements.shift(); next !== undefined; next = statements.shift()) await connection.query(next);
  } finally {
    connection.destroy();
  }
}

/** The id of the n-th timer of a fill. */
export function filledId(status: Fill['status'], n: number): string {
  const hex = FAMILIES[status] + n.toString(16).padStart(16, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5').toLowerCase();
}
