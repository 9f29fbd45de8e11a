import { request } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { queryServer } from '../support/databases.ts';
import type { Replica } from '../support/service-process.ts';
import { scenario, sized, tell } from './scenario.ts';

const LINES = sized(1_000_000, 30_000);
const MOST_GROWTH_BYTES = 100 * 1024 * 1024;
const SAMPLE_MS = 20;

/** Sends as many lines as asked for, as fast as they are taken. */
function importLines(base: string, count: number): Promise<string> {
  const line = JSON.stringify({ hours: 4, minutes: 0, seconds: 1, url: 'http://someserver.example/hook' });
  const piece = Buffer.from(`${line}\n`.repeat(1000));
  return new Promise((resolve, reject) => {
    const client = request(`${base}/timers/import`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson' },
    });
    client.once('error', reject);
    client.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve(text));
    });
    let left = count / 1000;
    const send = () => {
      while (left > 0) {
        left -= 1;
        if (!client.write(piece)) return;
      }
      client.end();
    };
    client.on('drain', send);
    send();
  });
}

/** The most memory that the replica took meanwhile, above what it had before; bytes. */
async function growthDuring(replica: Replica, work: () => Promise<void>): Promise<number> {
  const before = replica.residentBytes();
  let most = before;
  const sampling = setInterval(() => (most = Math.max(most, replica.residentBytes())), SAMPLE_MS);
  try {
    await work();
  } finally {
    clearInterval(sampling);
  }
  return Math.max(most, replica.residentBytes()) - before;
}

describe('An import', () => {
  test(
    `of ${LINES} lines is stored as a whole, and takes no more memory for their number`,
    scenario(async ({ database, start }) => {
      const env = await database('mysql');
      const replica = await start('replica', env);

      let tookMs = 0;
      const growth = await growthDuring(replica, async () => {
        const startedAt = performance.now();
        const report = await importLines(replica.url, LINES);
        tookMs = performance.now() - startedAt;
        expect(JSON.parse(report)).toEqual({ created: LINES, changed: 0, replayed: 0, refused: 0, errors: [] });
      });

      const [row] = await queryServer(env.DATABASE_URL, 'SELECT COUNT(*) AS timers FROM timers');
      expect(row?.timers).toBe(LINES);
      expect(growth).toBeLessThan(MOST_GROWTH_BYTES);
      const perSecond = Math.round((LINES / tookMs) * 1000);
      tell(`import of ${LINES} lines: ${perSecond} lines/s, ${Math.round(growth / 2 ** 20)} MiB more memory`);
    }),
    300_000,
  );
});
