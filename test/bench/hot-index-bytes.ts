import { queryServer } from '../support/databases.ts';

/** What a timer takes in the index by which due ones are found. */
export async function hotIndexBytes(databaseUrl: string, timers: number): Promise<number> {
  const [size] = await queryServer(
    databaseUrl,
    `SELECT stat_value * @@innodb_page_size AS bytes FROM mysql.innodb_index_stats
      WHERE database_name = DATABASE() AND table_name = 'timers' AND index_name = 'wake' AND stat_name = 'size'`,
  );
  return Number(size?.bytes) / timers;
}
