// Makes timers one by one over HTTP, told how by a message.
import { setTimeout as delay } from 'node:timers/promises';
import { openHttpConnection, type HttpConnection } from './http-connection.ts';
import type { Made, Order } from './load.ts';

async function run(order: Order): Promise<Made> {
  const connections = await Promise.all(
    Array.from({ length: order.connections }, () => openHttpConnection(order.serviceUrl)),
  );
  try {
    return await (order.kind === 'closed' ? closed(order, connections) : open(order, connections));
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Every connection sends its next request as soon as it has its answer. */
async function closed(order: Order & { kind: 'closed' }, connections: HttpConnection[]): Promise<Made> {
  const made = nothing();
  const startedAt = performance.now();
  const endAt = startedAt + order.seconds * 1000;
  await Promise.all(
    connections.map(async (connection) => {
      while (performance.now() < endAt) await make(connection, order, performance.now(), made);
    }),
  );
  return { ...made, seconds: (performance.now() - startedAt) / 1000 };
}

/** A request every so often, whatever became of the others; the latency counts from when it should have been sent. */
async function open(order: Order & { kind: 'open' }, connections: HttpConnection[]): Promise<Made> {
  const made = nothing();
  const free = [...connections];
  const waiting: (() => void)[] = [];
  const underWay: Promise<void>[] = [];
  const count = order.perSecond * order.seconds;
  const startedAt = performance.now();

  async function send(sendAt: number): Promise<void> {
    while (free.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    const connection = free.shift() as HttpConnection;
    const [least, most] = order.delaysMs;
    const delayMs = Math.floor(least + Math.random() * (most - least + 1));
    const body = JSON.stringify({ delay_ms: delayMs, url: order.hookUrl });
    await make(connection, { path: '/timers', body }, sendAt, made);
    free.push(connection);
    waiting.shift()?.();
  }

  for (let sent = 0; sent < count;) {
    const sendAt = startedAt + (sent * 1000) / order.perSecond;
    const ahead = sendAt - performance.now();
    if (ahead > 0) {
      await delay(Math.ceil(ahead));
      continue;
    }
    underWay.push(send(sendAt));
    sent += 1;
  }
  await Promise.all(underWay);
  return { ...made, seconds: (performance.now() - startedAt) / 1000 };
}

const nothing = () => ({ ids: [] as string[], dueAt: [] as number[], latencies: [] as number[] });

/** Answers are read by their form: parsing thousands of timers a second would take cores from those who make them. */
async function make(
  connection: HttpConnection,
  { path, body }: { path: '/timers' | '/timers/batch'; body: string },
  sendAt: number,
  made: ReturnType<typeof nothing>,
): Promise<void> {
  const answer = await connection.post(path, body);
  made.latencies.push(performance.now() - sendAt);
  const statuses = path === '/timers' ? [answer.status] : allOf(answer.body, /"status":(\d{3})/g).map(Number);
  const wrong = statuses.find((status) => status !== 201);
  if (wrong !== undefined || statuses.length === 0)
    throw new Error(`${path} answered ${answer.status}: ${answer.body}`);
  made.ids.push(...allOf(answer.body, /"id":"([^"]+)"/g));
  made.dueAt.push(...allOf(answer.body, /"due_at":"([^"]+)"/g).map((instant) => Date.parse(instant)));
}

const allOf = (text: string, pattern: RegExp): string[] =>
  Array.from(text.matchAll(pattern), (match) => match[1] ?? '');

process.on('message', (order: Order) => void run(order).then((made) => process.send?.(made)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
