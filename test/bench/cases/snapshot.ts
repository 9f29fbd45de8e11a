import { setTimeout as delay } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { BenchCase } from '../bench-case.ts';
import { filledId, fillDatabase } from '../fill.ts';
import { collect, median } from '../measure.ts';
import { countProcessor } from '../processor.ts';

const FIRES = 300_000;
const OVERDUE_FOR_MS = 600_000;
const SAMPLE_EVERY_MS = 500;
/** The share of the samples that is the start, and that is the end. */
const SHARE = 0.2;
const RATIO_AT_MOST = 1.5;

/** What a pass sends, as the server itself timed it; picoseconds. */
const SPENT = `
  SELECT SUM(IF(DIGEST_TEXT LIKE 'SELECT \`UNIX_TIMESTAMP\`%', COUNT_STAR, 0)) AS passes,
         SUM(IF(DIGEST_TEXT LIKE 'SELECT \`UNIX_TIMESTAMP\`%', SUM_TIMER_WAIT, 0)) AS looks,
         SUM(IF(DIGEST_TEXT LIKE 'UPDATE ( SELECT%', SUM_TIMER_WAIT, 0)) AS claims,
         SUM(IF(DIGEST_TEXT LIKE 'SELECT \`t\` .%' AND DIGEST_TEXT LIKE '%\`claim_id\` = ?', SUM_TIMER_WAIT, 0)) AS reads_
    FROM performance_schema.events_statements_summary_by_digest
   WHERE SCHEMA_NAME = ?`;
const PICOSECONDS = 1e9;

interface PassTime {
  looks: number;
  claims: number;
  reads: number;
}

/** A backup or a forgotten session keeps the server from purging what the fires leave behind in the index. */
export const snapshot: BenchCase = {
  name: 'snapshot',
  title: `a snapshot held open through ${FIRES.toLocaleString('en')} fires`,
  target: `pass time at the end ≤ ${RATIO_AT_MOST} × the start`,
  async run(bench) {
    const { receiver } = bench;
    await using database = await bench.createDatabase('mysql');
    const since = Date.now() - OVERDUE_FOR_MS;
    await fillDatabase(database.url, [{ count: FIRES, status: 'waiting', wakeAt: `${since} + n`, url: receiver.url }]);
    const due = new Map(Array.from({ length: FIRES }, (_, n) => [filledId('waiting', n), since + n]));
    const holder = await createConnection(database.url);
    await holder.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    await holder.query('SELECT COUNT(*) FROM timers WHERE wake_at = 0');
    try {
      await using service = await bench.startService(database);
      const spent = countProcessor({ service: service.pid, database: bench.mysql.pid });
      const samples = await samplePasses(database.url, async () => (await receiver.count()) >= FIRES);
      await collect(receiver, due, 10_000);
      const edge = Math.ceil(samples.length * SHARE);
      const [start, end] = [middleOf(samples.slice(0, edge)), middleOf(samples.slice(-edge))];
      const [startMs, endMs] = [total(start), total(end)];
      return {
        figure: `${(endMs / startMs).toFixed(2)} × (${startMs.toFixed(1)} ms, then ${endMs.toFixed(1)} ms of the server's time)`,
        met: endMs <= RATIO_AT_MOST * startMs,
        values: {
          ratio: endMs / startMs,
          ...Object.fromEntries(Object.entries(start).map(([name, ms]) => [`${name} at the start`, ms])),
          ...Object.fromEntries(Object.entries(end).map(([name, ms]) => [`${name} at the end`, ms])),
          ...spent(FIRES),
        },
      };
    } finally {
      holder.destroy();
    }
  },
};

const middleOf = (samples: PassTime[]): PassTime => ({
  looks: median(samples.map(({ looks }) => looks)),
  claims: median(samples.map(({ claims }) => claims)),
  reads: median(samples.map(({ reads }) => reads)),
});

const total = ({ looks, claims, reads }: PassTime): number => looks + claims + reads;

/** Milliseconds a pass took on average, of one stretch of time after the other until `isOver`. */
async function samplePasses(databaseUrl: string, isOver: () => Promise<boolean>): Promise<PassTime[]> {
  const connection = await createConnection(databaseUrl);
  const name = new URL(databaseUrl).pathname.slice(1);
  const samples: PassTime[] = [];
  let before: RowDataPacket | undefined;
  try {
    while (!(await isOver())) {
      await delay(SAMPLE_EVERY_MS);
      const [[now]] = await connection.execute<RowDataPacket[]>(SPENT, [name]);
      const passes = Number(now?.passes) - Number(before?.passes ?? 0);
      const each = (column: string) => (Number(now?.[column]) - Number(before?.[column] ?? 0)) / PICOSECONDS / passes;
      // Passes that find nothing are quicker: they must not stand for the end where stragglers keep it waiting.
      if (passes > 0 && each('claims') > 0) {
        samples.push({ looks: each('looks'), claims: each('claims'), reads: each('reads_') });
      }
      before = now;
    }
    return samples;
  } finally {
    connection.destroy();
  }
}
