import type { Finding } from '../finding.ts';
import type { SqliteConnection } from './connection.ts';

const FULL = 2;

/** What weakens a promise, by what the connection itself says. */
export async function diagnoseSqlite(connection: SqliteConnection): Promise<Finding[]> {
  const [result] = await connection.run([{ sql: 'PRAGMA synchronous', rows: [[]] }]);
  const [row] = (result?.rows ?? []) as { synchronous: number }[];
  if (row !== undefined && row.synchronous >= FULL) return [];
  return [
    {
      name: 'synchronous',
      severity: 'weakens',
      promise: 'A timer answered with 201, and an outcome recorded, survive a loss of power.',
      detail: `PRAGMA synchronous is ${row?.synchronous ?? 'unknown'}, not FULL (${FULL}): the last commits may be lost.`,
    },
  ];
}
