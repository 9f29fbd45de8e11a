import type { Finding } from '../finding.ts';
import type { SqliteConnection } from './connection.ts';

const FULL = 2;
const DURABLE = 'A timer answered with 201, and an outcome recorded, survive a loss of power.';

/** What weakens a promise, by what the connection itself says. */
export async function diagnoseSqlite(connection: SqliteConnection): Promise<Finding[]> {
  const asked = ['PRAGMA synchronous', 'PRAGMA database_list'].map((sql) => ({ sql, rows: [[]] }));
  const [synchronous, databases] = await connection.run(asked);
  const { synchronous: level = 0 } = (synchronous?.rows[0] ?? {}) as { synchronous?: number };
  const { file = '' } = (databases?.rows[0] ?? {}) as { file?: string };
  const findings: Finding[] = [];
  if (level < FULL) {
    const detail = `PRAGMA synchronous is ${level}, not FULL (${FULL}): the last commits may be lost.`;
    findings.push({ name: 'synchronous', severity: 'weakens', promise: DURABLE, detail });
  }
  if (file === '') {
    const detail = 'The database is in memory alone and ends with the process. Name a file in DATABASE_URL.';
    findings.push({ name: 'memory', severity: 'weakens', promise: DURABLE, detail });
  }
  return findings;
}
