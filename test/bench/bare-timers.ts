import { startChild } from './child.ts';
import { collect, latenessOf } from './measure.ts';
import type { BenchReceiver } from './receiver.ts';

export interface BareTimersOrder {
  url: string;
  /** Epoch ms. */
  instants: number[];
}

const LEAD_MS = 1000;
/** Not counted: what is measured is the machine, not how new the code is to V8. */
const WARM_UP_MS = 1000;

/** Lateness, sorted, of calls that nothing but `setTimeout` holds back, at random instants. */
export async function runBareTimers(
  receiver: BenchReceiver,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<number[]> {
  const child = startChild<BareTimersOrder>(new URL('./bare-timers-process.ts', import.meta.url));
  try {
    await child.next();
    await receiver.reset();
    const begin = Date.now() + LEAD_MS;
    const lastingMs = WARM_UP_MS + seconds * 1000;
    const instants = Array.from({ length: (perSecond * lastingMs) / 1000 }, () =>
      Math.ceil(begin + Math.random() * lastingMs),
    );
    const due = new Map(await child.ask<[string, number][]>({ url: receiver.url, instants }));
    // Its clock is read once, at its start.
    const { calls } = await collect(receiver, due, 30_000, { mayBeEarly: true });
    return latenessOf(calls.filter(({ dueAt }) => dueAt >= begin + WARM_UP_MS));
  } finally {
    child.stop();
  }
}
