import { queryServer } from '../support/databases.ts';

/** Throws unless every timer that was answered with 201 is in the table. */
export async function assertCommitted(databaseUrl: string, ids: string[]): Promise<void> {
  const rows = await queryServer(databaseUrl, 'SELECT BIN_TO_UUID(id) AS id FROM timers');
  const committed = new Set(rows.map(({ id }) => id as string));
  const missing = ids.filter((id) => !committed.has(id)).length;
  if (missing > 0)
    throw new Error(`${missing} of ${ids.length} timers were answered with 201 and are not in the table.`);
}
