import { assertCommitted } from '../assert-committed.ts';
import type { BenchCase } from '../bench-case.ts';
import { BATCH } from '../load.ts';
import { distributionOf } from '../measure.ts';
import { countProcessor } from '../processor.ts';

/** Enough that one is being written while another is being read and a third answered. */
const CONNECTIONS = 4;
const WARM_UP_SECONDS = 2;
const SECONDS = 5;
const LEAST_PER_SECOND = 50_000;

export const batch: BenchCase = {
  name: 'batch',
  title: `POST /timers/batch of ${BATCH.toLocaleString('en')}, ${CONNECTIONS} connections`,
  target: `≥ ${LEAST_PER_SECOND.toLocaleString('en')} timers/s, all committed`,
  async run(bench) {
    await using database = await bench.createDatabase('mysql');
    await using service = await bench.startService(database);
    const timer = { hours: 4, minutes: 0, seconds: 1, url: bench.receiver.url };
    const order = {
      kind: 'closed' as const,
      path: '/timers/batch' as const,
      serviceUrl: service.url,
      connections: CONNECTIONS,
      body: JSON.stringify({ timers: Array.from({ length: BATCH }, () => timer) }),
    };
    const warmUp = await bench.load.run({ ...order, seconds: WARM_UP_SECONDS });
    const spent = countProcessor({ service: service.pid, database: bench.mysql.pid });
    const made = await bench.load.run({ ...order, seconds: SECONDS });
    const processor = spent(made.ids.length);
    await assertCommitted(database.url, [...warmUp.ids, ...made.ids]);
    const perSecond = made.ids.length / made.seconds;
    const { p50, p99 } = distributionOf(made.latencies.sort((a, b) => a - b));
    return {
      figure: `${Math.round(perSecond).toLocaleString('en')} timers/s; a batch p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)} ms`,
      met: perSecond >= LEAST_PER_SECOND,
      values: { perSecond, p50, p99, ...processor },
    };
  },
};
