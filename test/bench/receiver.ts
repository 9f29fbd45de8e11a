import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What arrived: webhook ids in the order of arrival, and when, in epoch milliseconds with fractions. */
export interface Arrivals {
  ids: string[];
  at: number[];
}

export interface BenchReceiver {
  url: string;
  /** Forgets what has arrived, and from now on answers after `delayMs`. */
  reset(delayMs?: number): Promise<void>;
  count(): Promise<number>;
  arrivals(): Promise<Arrivals>;
  stop(): void;
}

/** The receiver is a process of its own, so that stamping arrivals does not compete with sending for one thread. */
export async function startReceiver(): Promise<BenchReceiver> {
  const child = fork(new URL('./receiver-process.ts', import.meta.url), { serialization: 'advanced' });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    url: `http://127.0.0.1:${port}/hook`,
    reset: (delayMs = 0) => ask(child, { reset: delayMs }),
    count: () => ask<number>(child, 'count'),
    arrivals: () => ask<Arrivals>(child, 'arrivals'),
    stop: () => child.kill(),
  };
}

async function ask<T>(child: ChildProcess, question: unknown): Promise<T> {
  child.send(question as object);
  const [answer] = (await once(child, 'message')) as [T];
  return answer;
}
