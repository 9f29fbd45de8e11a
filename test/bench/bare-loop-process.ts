// What undici does at its best: the same requests, known beforehand, sent with nothing else to do.
import { Pool } from 'undici';
import { v7 } from 'uuid';
import type { BareLoopOrder } from './bare-loop.ts';

async function run({ url, path, headers, count, connections }: BareLoopOrder): Promise<number> {
  const pool = new Pool(new URL(url).origin, { connections, pipelining: 1 });
  const ids = Array.from({ length: count }, () => v7());
  let next = 0;

  async function work(): Promise<void> {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: `${path}/${id}`,
        headers: { ...headers, 'webhook-id': id },
        body: `{"id":"${id}"}`,
      });
      await body.text();
      if (statusCode !== 200) throw new Error(`The receiver answered ${statusCode}.`);
    }
  }

  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, work));
  const seconds = (performance.now() - startedAt) / 1000;
  await pool.close();
  return count / seconds;
}

process.on('message', (order: BareLoopOrder) => void run(order).then((perSecond) => process.send?.(perSecond)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
