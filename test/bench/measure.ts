import { setTimeout as delay } from 'node:timers/promises';
import type { BenchReceiver } from './receiver.ts';

export interface Distribution {
  p50: number;
  p99: number;
  max: number;
}

export interface Fired {
  /** Arrival minus due, milliseconds, sorted. */
  lateness: number[];
  /** From the first due instant to the last arrival, seconds. */
  seconds: number;
}

/** Waits for every timer's call and holds the run to account: none lost, none doubled, none early. */
export async function collect(receiver: BenchReceiver, due: Map<string, number>, withinMs: number): Promise<Fired> {
  const deadline = performance.now() + withinMs;
  while ((await receiver.count()) < due.size) {
    if (performance.now() > deadline)
      throw new Error(`${due.size - (await receiver.count())} of ${due.size} were lost.`);
    await delay(100);
  }
  // A second call of a timer would come a moment later.
  await delay(500);
  const { ids, at } = await receiver.arrivals();
  if (ids.length > due.size || new Set(ids).size !== ids.length)
    throw new Error(`${ids.length - due.size} were doubled.`);
  const lateness = ids.map((id, index) => (at[index] ?? 0) - (due.get(id) ?? Infinity)).sort((a, b) => a - b);
  if ((lateness[0] ?? 0) < 0) throw new Error(`One came ${lateness[0]} ms early.`);
  const first = [...due.values()].reduce((least, instant) => Math.min(least, instant), Infinity);
  return { lateness, seconds: (Math.max(at.at(-1) ?? 0) - first) / 1000 };
}

export const distributionOf = (sorted: number[]): Distribution => ({
  p50: quantile(sorted, 0.5),
  p99: quantile(sorted, 0.99),
  max: sorted.at(-1) ?? NaN,
});

const quantile = (sorted: number[], share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
