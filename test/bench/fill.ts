import { createConnection } from 'mysql2/promise';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { queryServer } from '../support/databases.ts';
import { settle } from './server-status.ts';
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

/** Brings the database's tables up to date and fills them by statements of their own: nobody waits for this, or measures it. */
export async function fillDatabase(databaseUrl: string, fills: Fill[]): Promise<void> {
  await (await openMysqlStore(mysqlSettings(databaseUrl))).close();
  await Promise.all(fills.map((fill) => insertAll(databaseUrl, fill)));
  await queryServer(databaseUrl, 'ANALYZE TABLE timers');
  await settle(databaseUrl);
}

async function insertAll(databaseUrl: string, { count, status, wakeAt, url }: Fill): Promise<void> {
  const made = {
    id: `concat('${FAMILIES[status]}', lpad(hex(n), 16, '0'))`,
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
export function filledId(status: Fill['status'], n: number): string {
  const hex = FAMILIES[status] + n.toString(16).padStart(16, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5').toLowerCase();
}
