import { startChild } from './child.ts';
import { openHttpConnection } from './http-connection.ts';

/** How timers are to be made, one a request. */
export type Order = { serviceUrl: string; connections: number; seconds: number } & (
  | { kind: 'closed'; path: '/timers' | '/timers/batch'; body: string }
  | { kind: 'open'; perSecond: number; hookUrl: string; delaysMs: [least: number, most: number] }
);

/** Of every timer made its id and its due instant (epoch ms); of every answer how long it took (ms). */
export interface Made {
  ids: string[];
  dueAt: number[];
  latencies: number[];
  seconds: number;
}

export interface Load {
  /** Rejects unless every timer is answered with 201. */
  run(order: Order): Promise<Made>;
  stop(): void;
}

/** The generator of load has a process of its own, like the receiver. */
export async function startLoad(): Promise<Load> {
  const child = startChild<Order>(new URL('./load-process.ts', import.meta.url));
  await child.next();
  return { run: (order) => child.ask(order), stop: () => child.stop() };
}

export const dueOf = ({ ids, dueAt }: Made): Map<string, number> =>
  new Map(ids.map((id, index) => [id, dueAt[index] ?? NaN]));

/** As `POST /timers/batch` takes. */
export const BATCH = 1000;

/** Makes the timers by batches and returns when each is due, epoch ms by id. */
export async function makeTimers(serviceUrl: string, bodies: object[]): Promise<Map<string, number>> {
  const connection = await openHttpConnection(serviceUrl);
  const due = new Map<string, number>();
  for (let begin = 0; begin < bodies.length; begin += BATCH) {
    const { status, body } = await connection.post(
      '/timers/batch',
      JSON.stringify({ timers: bodies.slice(begin, begin + BATCH) }),
    );
    if (status !== 200) throw new Error(`POST /timers/batch answered ${status}: ${body}`);
    const { results } = JSON.parse(body) as { results: { status: number; timer: { id: string; due_at: string } }[] };
    for (const { status, timer } of results) {
      if (status !== 201) throw new Error(`One of a batch was answered with ${status}.`);
      due.set(timer.id, Date.parse(timer.due_at));
    }
  }
  connection.close();
  return due;
}
