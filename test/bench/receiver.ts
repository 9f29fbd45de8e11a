import { setTimeout as delay } from 'node:timers/promises';
import { startChild } from './child.ts';

/** What arrived: webhook ids in the order of arrival, and when, in epoch milliseconds with fractions. */
export interface Arrivals {
  ids: string[];
  at: number[];
}

export interface BenchReceiver {
  url: string;
  pid: number;
  /** Forgets what has arrived, and from now on answers after `delayMs`. */
  reset(delayMs?: number): Promise<void>;
  count(): Promise<number>;
  /** Rejects when fewer have arrived within the time. */
  untilCount(count: number, withinMs: number): Promise<void>;
  arrivals(): Promise<Arrivals>;
  /** As it came over the wire. */
  lastRequest(): Promise<string>;
  stop(): void;
}

export type Question = 'count' | 'arrivals' | 'last request' | { reset: number };

/** The one receiver of a run, in a process of its own: stamping must not compete with sending for one thread. */
export async function startReceiver(): Promise<BenchReceiver> {
  const child = startChild<Question>(new URL('./receiver-process.ts', import.meta.url));
  const { port } = await child.next<{ port: number }>();
  const count = () => child.ask<number>('count');

  return {
    url: `http://127.0.0.1:${port}/hook`,
    pid: child.pid,
    reset: (delayMs = 0) => child.ask({ reset: delayMs }),
    count,
    async untilCount(wanted, withinMs) {
      const deadline = performance.now() + withinMs;
      for (let arrived = await count(); arrived < wanted; arrived = await count()) {
        if (performance.now() > deadline) throw new Error(`${wanted - arrived} of ${wanted} were lost.`);
        await delay(100);
      }
    },
    arrivals: () => child.ask('arrivals'),
    lastRequest: () => child.ask('last request'),
    stop: () => child.stop(),
  };
}
