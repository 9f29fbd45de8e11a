import { Pool } from 'undici';

const CONNECTIONS = 64;

/** Creates the timers through the API and returns when each was due, epoch ms by id. Fails unless every answer is 201. */
export async function createTimers(
  serviceUrl: string,
  bodies: Iterable<object>,
): Promise<{ due: Map<string, number>; latencies: number[]; seconds: number }> {
  const pool = new Pool(serviceUrl, { connections: CONNECTIONS, pipelining: 1 });
  const due = new Map<string, number>();
  const latencies: number[] = [];
  const rest = bodies[Symbol.iterator]();
  const startedAt = performance.now();

  async function work(): Promise<void> {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      const sentAt = performance.now();
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/timers',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(next.value),
      });
      const text = await body.text();
      if (statusCode !== 201) throw new Error(`POST /timers answered ${statusCode}: ${text}`);
      latencies.push(performance.now() - sentAt);
      const timer = JSON.parse(text) as { id: string; due_at: string };
      due.set(timer.id, Date.parse(timer.due_at));
    }
  }

  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  await pool.close();
  return { due, latencies, seconds: (performance.now() - startedAt) / 1000 };
}
