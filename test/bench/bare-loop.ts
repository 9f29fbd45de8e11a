import { startChild } from './child.ts';
import type { BenchReceiver } from './receiver.ts';

export interface BareLoopOrder {
  url: string;
  path: string;
  headers: Record<string, string>;
  count: number;
  connections: number;
}

/** As many as the service has in flight to one host. */
const CONNECTIONS = 128;
/** What undici writes by itself, or differs from request to request. */
const OWN_HEADERS = ['host', 'connection', 'content-length', 'webhook-id'];

/** Calls per second, with the very request that the receiver got last but for its id. The loop warms up as bursts do. */
export async function runBareLoop(receiver: BenchReceiver, count: number): Promise<number> {
  const [requestLine = '', ...lines] = (await receiver.lastRequest()).split('\r\n\r\n')[0]?.split('\r\n') ?? [];
  const headers = lines
    .map((line) => line.split(': ') as [string, string])
    .filter(([name]) => !OWN_HEADERS.includes(name.toLowerCase()));
  const path = requestLine.split(' ')[1] ?? '';
  const child = startChild<BareLoopOrder>(new URL('./bare-loop-process.ts', import.meta.url));
  try {
    await child.next();
    await receiver.reset();
    const order = {
      url: receiver.url,
      path: path.slice(0, path.lastIndexOf('/')),
      headers: Object.fromEntries(headers),
      count,
      connections: CONNECTIONS,
    };
    // Bursts are judged by the median of three, so the loop too gets two rounds to be compiled in.
    await child.ask({ ...order, count: count / 2 });
    return await child.ask<number>(order);
  } finally {
    child.stop();
  }
}
