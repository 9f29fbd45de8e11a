import { queryServer } from '../support/databases.ts';

/** Counters of the whole server, by `SHOW GLOBAL STATUS`. */
export async function readStatus(url: string, like: string): Promise<Record<string, number>> {
  const rows = await queryServer(url, `SHOW GLOBAL STATUS LIKE '${like}'`);
  return Object.fromEntries(rows.map(({ Variable_name, Value }) => [Variable_name as string, Number(Value)]));
}
