import { setTimeout as delay } from 'node:timers/promises';
import { queryServer } from '../support/databases.ts';

/** Counters of the whole server, by `SHOW GLOBAL STATUS`. */
export async function readStatus(url: string, like: string): Promise<Record<string, number>> {
  const rows = await queryServer(url, `SHOW GLOBAL STATUS LIKE '${like}'`);
  return Object.fromEntries(rows.map(({ Variable_name, Value }) => [Variable_name as string, Number(Value)]));
}

const SETTLED_PAGES = 500;
const SETTLE_WITHIN_MS = 60_000;

/** Waits until what was written in bulk has been flushed, which would otherwise go on beside what is measured. */
export async function settle(url: string): Promise<void> {
  const dirtyPages = async () =>
    (await readStatus(url, 'Innodb_buffer_pool_pages_dirty')).Innodb_buffer_pool_pages_dirty;
  const [before] = await queryServer(url, 'SELECT @@innodb_max_dirty_pages_pct AS pct');
  await queryServer(url, 'SET GLOBAL innodb_max_dirty_pages_pct = 0');
  const deadline = performance.now() + SETTLE_WITHIN_MS;
  while (((await dirtyPages()) ?? 0) > SETTLED_PAGES && performance.now() < deadline) await delay(200);
  await queryServer(url, `SET GLOBAL innodb_max_dirty_pages_pct = ${Number(before?.pct)}`);
}
