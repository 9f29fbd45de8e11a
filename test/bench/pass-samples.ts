import { median } from './measure.ts';
import type { Passes } from './passes.ts';
import { readStatus } from './server-status.ts';

/** Taken by each pass. */
export const DUE = 100;

/** Of a pass that took what was due, and of one that then found nothing: milliseconds, and the handlers' reads of the first. */
export interface PassSample {
  busyMs: number;
  idleMs: number;
  rows: Record<string, number>;
}

export async function samplePass(passes: Passes, serverUrl: string): Promise<PassSample> {
  await passes.store(DUE);
  const before = await readStatus(serverUrl, 'Handler_read%');
  const busyMs = await passes.run();
  const after = await readStatus(serverUrl, 'Handler_read%');
  const taken = await passes.record();
  if (taken !== DUE) throw new Error(`A pass took ${taken} timers where ${DUE} were due.`);
  const idleMs = await passes.run();
  const rows = Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
  return { busyMs, idleMs, rows };
}

/** What passes take on one side against the other: times, and how many times as long. */
export function comparePasses(base: PassSample[], other: PassSample[]) {
  const [baseBusyMs, baseIdleMs] = [median(base.map(({ busyMs }) => busyMs)), median(base.map(({ idleMs }) => idleMs))];
  const [busyMs, idleMs] = [median(other.map((one) => one.busyMs)), median(other.map((one) => one.idleMs))];
  return {
    values: { busyRatio: busyMs / baseBusyMs, idleRatio: idleMs / baseIdleMs, busyMs, idleMs },
    figure: `${(busyMs / baseBusyMs).toFixed(2)} × (${busyMs.toFixed(1)} ms), idle ${(idleMs / baseIdleMs).toFixed(2)} × (${idleMs.toFixed(2)} ms)`,
  };
}
