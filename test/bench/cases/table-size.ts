import { isDeepStrictEqual } from 'node:util';
import type { BenchCase } from '../bench-case.ts';
import { POOL_SIZE, type Bench } from '../bench.ts';
import { median } from '../measure.ts';
import { openPasses, type Passes } from '../passes.ts';
import { readStatus } from '../server-status.ts';

const SMALL = 10_000;
const LARGE = 1_000_000;
const LARGE_FULL = 10_000_000;
/** Taken by each pass. */
const DUE = 100;
const WARM_UP_ROUNDS = 30;
const ROUNDS = 100;
const TIME_AT_MOST = 1.3;

export const tableSize = tableSizeCase({ name: 'table-size', large: LARGE });
export const tableSizeFull = tableSizeCase({ name: 'table-size-10m', large: LARGE_FULL, long: true });

/** A pass that takes what is due, and then one that finds nothing, in turns on both tables. */
function tableSizeCase({ name, large, long }: { name: string; large: number; long?: true }): BenchCase {
  const size = large.toLocaleString('en');
  return {
    name,
    title: `a pass at ${size} waiting + ${size} finished against ${SMALL.toLocaleString('en')} (pool ${POOL_SIZE})`,
    target: `rows examined equal, time ≤ ${TIME_AT_MOST} ×`,
    ...(long === undefined ? {} : { long }),
    async run(bench) {
      await using few = await openPasses((await bench.waitingTable(SMALL)).url);
      await using many = await openPasses((await bench.waitingTable(large)).url);
      const samples = { few: [] as Sample[], many: [] as Sample[] };
      for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
        const [ofFew, ofMany] = [await take(bench, few), await take(bench, many)];
        if (round < 0) continue;
        samples.few.push(ofFew);
        samples.many.push(ofMany);
      }
      return judge(samples.few, samples.many);
    },
  };
}

interface Sample {
  busyMs: number;
  idleMs: number;
  rows: Record<string, number>;
}

async function take(bench: Bench, passes: Passes): Promise<Sample> {
  await passes.store(DUE);
  const before = await readStatus(bench.mysql.url, 'Handler_read%');
  const busyMs = await passes.run();
  const after = await readStatus(bench.mysql.url, 'Handler_read%');
  const taken = await passes.record();
  if (taken !== DUE) throw new Error(`A pass took ${taken} timers where ${DUE} were due.`);
  const idleMs = await passes.run();
  const rows = Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
  return { busyMs, idleMs, rows };
}

function judge(small: Sample[], large: Sample[]) {
  const [busy, idle] = (['busyMs', 'idleMs'] as const).map((which) => ({
    small: median(small.map((sample) => sample[which])),
    large: median(large.map((sample) => sample[which])),
  }));
  const rowsOf = (samples: Sample[]) => samples.map(({ rows }) => rows);
  const equal = isDeepStrictEqual(rowsOf(small), rowsOf(large));
  const busyRatio = (busy?.large ?? NaN) / (busy?.small ?? NaN);
  const idleRatio = (idle?.large ?? NaN) / (idle?.small ?? NaN);
  const examined = median(large.map(({ rows }) => Object.values(rows).reduce((sum, value) => sum + value, 0)));
  return {
    figure: `rows examined ${equal ? 'equal' : 'NOT equal'} (${examined} for ${DUE} due); ${busyRatio.toFixed(2)} × (${busy?.large.toFixed(1)} ms), idle ${idleRatio.toFixed(2)} × (${idle?.large.toFixed(2)} ms)`,
    met: equal && busyRatio <= TIME_AT_MOST && idleRatio <= TIME_AT_MOST,
    values: { busyRatio, idleRatio, busyMs: busy?.large ?? NaN, idleMs: idle?.large ?? NaN, examined },
  };
}
