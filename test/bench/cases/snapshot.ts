import { createConnection } from 'mysql2/promise';
import type { BenchCase } from '../bench-case.ts';
import type { Bench, BenchDatabase } from '../bench.ts';
import { filledId, fillDatabase } from '../fill.ts';
import { collect } from '../measure.ts';
import { comparePasses, DUE, samplePass, type PassSample } from '../pass-samples.ts';
import { openPasses, type Passes } from '../passes.ts';
import { countProcessor } from '../processor.ts';

const FIRES = 300_000;
/** As in any service that is in use, some wait for another day. */
const LATER = 1000;
const DAY_MS = 86_400_000;
const OVERDUE_FOR_MS = 600_000;
const FIRED_WITHIN_MS = 180_000;
const WARM_UP_ROUNDS = 30;
const ROUNDS = 100;
const RATIO_AT_MOST = 1.5;

/**
 * A backup or a forgotten session keeps the server from purging what the fires leave behind in the index. The passes are
 * those of another replica, which had nothing to do meanwhile: the same before and after, with nothing else under way.
 */
export const snapshot: BenchCase = {
  name: 'snapshot',
  title: `a snapshot held open through ${FIRES.toLocaleString('en')} fires, ${LATER.toLocaleString('en')} others waiting`,
  target: `pass time at the end ≤ ${RATIO_AT_MOST} × the start`,
  async run(bench) {
    await using database = await bench.createDatabase('mysql');
    await fillDatabase(database.url, [
      {
        count: LATER,
        status: 'waiting',
        family: 'later',
        wakeAt: `${Date.now() + DAY_MS} + n`,
        url: bench.receiver.url,
      },
    ]);
    const holder = await createConnection(database.url);
    try {
      await holder.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
      await using passes = await openPasses(database.url);
      const start = await sample(bench, passes);
      const spent = await fire(bench, database);
      const end = await sample(bench, passes);
      const { figure, values } = comparePasses(start, end);
      return {
        figure: `with ${DUE} due ${figure}`,
        met: values.busyRatio <= RATIO_AT_MOST && values.idleRatio <= RATIO_AT_MOST,
        values: { ...values, ...spent },
      };
    } finally {
      holder.destroy();
    }
  },
};

async function sample(bench: Bench, passes: Passes): Promise<PassSample[]> {
  const samples: PassSample[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const taken = await samplePass(passes, bench.mysql.url);
    if (round >= 0) samples.push(taken);
  }
  return samples;
}

/** Ends when all have been fired and recorded. Returns what it took of the processor. */
async function fire(bench: Bench, database: BenchDatabase): Promise<Record<string, number>> {
  const since = Date.now() - OVERDUE_FOR_MS;
  const { receiver } = bench;
  await fillDatabase(database.url, [{ count: FIRES, status: 'waiting', wakeAt: `${since} + n`, url: receiver.url }]);
  const due = new Map(Array.from({ length: FIRES }, (_, n) => [filledId('waiting', n), since + n]));
  await using service = await bench.startService(database);
  const spent = countProcessor({ service: service.pid, database: bench.mysql.pid });
  await collect(receiver, due, FIRED_WITHIN_MS);
  return spent(FIRES);
}
