import { setTimeout as delay } from 'node:timers/promises';
import type { BenchReceiver } from './receiver.ts';

export interface Distribution {
  p50: number;
  p99: number;
  max: number;
}

export interface Call {
  id: string;
  /** Both epoch milliseconds. */
  dueAt: number;
  arrivedAt: number;
}

export interface Fired {
  /** In the order of arrival. */
  calls: Call[];
  /** Arrival minus due, milliseconds, sorted. */
  lateness: number[];
  /** From the first due instant to the last arrival, seconds. */
  seconds: number;
  /** How many came before they were due. */
  early: number;
}

/** A second call of a timer would come within this. */
const DOUBLES_WITHIN_MS = 500;

/** Waits for every timer's call and holds the run to account: none lost, none doubled, and of ours none early. */
export async function collect(
  receiver: BenchReceiver,
  due: Map<string, number>,
  withinMs: number,
  { mayBeEarly = false } = {},
): Promise<Fired> {
  await receiver.untilCount(due.size, withinMs);
  await delay(DOUBLES_WITHIN_MS);
  const { ids, at } = await receiver.arrivals();
  const different = new Set(ids);
  if (different.size < ids.length) throw new Error(`${ids.length - different.size} of ${due.size} were doubled.`);
  const strange = ids.filter((id) => !due.has(id)).length;
  if (strange > 0) throw new Error(`${strange} came that were not asked for.`);
  const calls = ids.map((id, index) => ({ id, dueAt: due.get(id) ?? NaN, arrivedAt: at[index] ?? NaN }));
  const lateness = latenessOf(calls);
  const early = lateness.filter((ms) => ms < 0).length;
  if (early > 0 && !mayBeEarly)
    throw new Error(`${early} of ${due.size} came early, by up to ${-(lateness[0] ?? 0)} ms.`);
  const first = calls.reduce((least, { dueAt }) => Math.min(least, dueAt), Infinity);
  return { calls, lateness, early, seconds: ((at.at(-1) ?? 0) - first) / 1000 };
}

/** Milliseconds, sorted. */
export const latenessOf = (calls: Call[]): number[] =>
  calls.map(({ dueAt, arrivedAt }) => arrivedAt - dueAt).sort((a, b) => a - b);

export const distributionOf = (sorted: number[]): Distribution => ({
  p50: quantile(sorted, 0.5),
  p99: quantile(sorted, 0.99),
  max: sorted.at(-1) ?? NaN,
});

export const quantile = (sorted: number[], share: number): number =>
  sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;

export const median = (values: number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

export const inWords = ({ p50, p99, max }: Distribution): string =>
  `p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, max ${max.toFixed(1)} ms`;
