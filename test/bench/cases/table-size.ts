import { isDeepStrictEqual } from 'node:util';
import type { BenchCase } from '../bench-case.ts';
import { POOL_SIZE } from '../bench.ts';
import { median } from '../measure.ts';
import { comparePasses, DUE, samplePass, type PassSample } from '../pass-samples.ts';
import { openPasses } from '../passes.ts';
import { hotIndexBytes } from '../hot-index-bytes.ts';

const SMALL = 10_000;
const LARGE = 1_000_000;
const LARGE_FULL = 10_000_000;
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
      const { url } = await bench.waitingTable(large);
      const indexBytes = await hotIndexBytes(url, 2 * large);
      await using many = await openPasses(url);
      const samples = { few: [] as PassSample[], many: [] as PassSample[] };
      for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
        const [ofFew, ofMany] = [await samplePass(few, bench.mysql.url), await samplePass(many, bench.mysql.url)];
        if (round < 0) continue;
        samples.few.push(ofFew);
        samples.many.push(ofMany);
      }
      return judge(samples.few, samples.many, indexBytes);
    },
  };
}

function judge(small: PassSample[], large: PassSample[], indexBytes: number) {
  const rows = rowsOf(large);
  const equal = isDeepStrictEqual(rowsOf(small), rows);
  const examined = Object.values(rows).reduce((sum, value) => sum + value, 0);
  const { figure, values } = comparePasses(small, large);
  return {
    figure: `rows examined ${equal ? 'equal' : 'NOT equal'} (${examined} for ${DUE} due); ${figure}`,
    met: equal && values.busyRatio <= TIME_AT_MOST && values.idleRatio <= TIME_AT_MOST,
    values: { ...values, examined, 'hot index bytes': indexBytes },
  };
}

/** Of each counter what a pass adds to it; one in ten passes looks at leases as well, and reads one row more. */
function rowsOf(samples: PassSample[]): Record<string, number> {
  const counters = Object.keys(samples[0]?.rows ?? {});
  return Object.fromEntries(counters.map((name) => [name, median(samples.map(({ rows }) => rows[name] ?? NaN))]));
}
