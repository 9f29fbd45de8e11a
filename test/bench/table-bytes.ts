import { queryServer } from '../support/databases.ts';

/** What a timer takes on disk, in the table and its indexes, and of that in the index by which due ones are found. */
export async function bytesPerTimer(databaseUrl: string, timers: number): Promise<{ all: number; hotIndex: number }> {
  const [size] = await queryServer(
    databaseUrl,
    `SELECT SUM(stat_value) * @@innodb_page_size AS allBytes,
            SUM(IF(index_name = 'wake', stat_value, 0)) * @@innodb_page_size AS hotIndexBytes
       FROM mysql.innodb_index_stats
      WHERE database_name = DATABASE() AND table_name = 'timers' AND stat_name = 'size'`,
  );
  return { all: Number(size?.allBytes) / timers, hotIndex: Number(size?.hotIndexBytes) / timers };
}
