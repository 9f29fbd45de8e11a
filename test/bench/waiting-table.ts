import type { BenchDatabase } from './bench.ts';
import { fillDatabase } from './fill.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** So many timers that wait for tomorrow, and as many that were finished within the last hour. */
export async function fillWaitingTable(database: BenchDatabase, count: number, url: string): Promise<void> {
  const now = Date.now();
  await fillDatabase(database.url, [
    { count, status: 'waiting', wakeAt: `${now + DAY_MS} + n`, url },
    { count, status: 'done', wakeAt: `${now - HOUR_MS} + floor(n * ${HOUR_MS} / ${count})`, url },
  ]);
}
