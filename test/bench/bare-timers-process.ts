// The least that can be late on this machine: instants known beforehand, `setTimeout`, and undici; no database, nothing kept.
import { Pool } from 'undici';
import { v7 } from 'uuid';
import type { BareTimersOrder } from './bare-timers.ts';

async function run({ url, instants }: BareTimersOrder): Promise<[string, number][]> {
  const pool = new Pool(new URL(url).origin, { connections: 128, pipelining: 1 });
  const path = new URL(url).pathname;
  const timers = instants.toSorted((a, b) => a - b).map((dueAt): [string, number] => [v7(), dueAt]);
  const now = () => performance.timeOrigin + performance.now();
  const calls: Promise<unknown>[] = [];

  async function call(id: string): Promise<void> {
    const headers = { 'webhook-id': id, 'content-type': 'application/json' };
    const { body } = await pool.request({ method: 'POST', path: `${path}/${id}`, headers, body: `{"id":"${id}"}` });
    await body.dump();
  }

  for (const [id, dueAt] of timers) {
    while (now() < dueAt) await new Promise((resolve) => setTimeout(resolve, Math.max(dueAt - now(), 0)));
    calls.push(call(id));
  }
  await Promise.all(calls);
  await pool.close();
  return timers;
}

process.on('message', (order: BareTimersOrder) => void run(order).then((timers) => process.send?.(timers)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
