import { startChild } from './child.ts';
import { collect } from './measure.ts';
import type { BenchReceiver } from './receiver.ts';

export interface BareTimersOrder {
  url: string;
  /** Epoch ms. */
  instants: number[];
}

const LEAD_MS = 1000;

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
    const instants = Array.from({ length: perSecond * seconds }, () =>
      Math.ceil(begin + Math.random() * seconds * 1000),
    );
    const due = new Map(await child.ask<[string, number][]>({ url: receiver.url, instants }));
    // Its clock is read once, at its start.
    return (await collect(receiver, due, 30_000, { mayBeEarly: true })).lateness;
  } finally {
    child.stop();
  }
}
