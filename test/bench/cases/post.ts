import { startArguments } from '../../support/start-command.ts';
import { assertCommitted } from '../assert-committed.ts';
import type { BenchCase } from '../bench-case.ts';
import type { Bench } from '../bench.ts';
import { startChild } from '../child.ts';
import type { Made } from '../load.ts';
import { distributionOf } from '../measure.ts';
import { countProcessor } from '../processor.ts';

const CONNECTIONS = 64;
const SECONDS = 5;
/** Of the first answers, from code that is not compiled yet, nobody is told. */
const WARM_UP_SECONDS = 2;
const LEAST_OF_BARE_ROUTE = 0.65;
const P99_AT_MOST_MS = 25;

/** What `POST /timers` takes when nothing waits for it but the answer. */
export const post: BenchCase = {
  name: 'post',
  title: `POST /timers, ${CONNECTIONS} connections`,
  target: `≥ ${LEAST_OF_BARE_ROUTE} of an Express route that stores nothing, p99 ≤ ${P99_AT_MOST_MS} ms, every 201 committed`,
  async run(bench) {
    const stored = await ofService(bench);
    const bare = await ofBareRoute(bench);
    const ratio = stored.perSecond / bare.perSecond;
    const { p50, p99 } = distributionOf(stored.latencies);
    return {
      figure: `${Math.round(stored.perSecond)}/s, ${ratio.toFixed(2)} of the route's ${Math.round(bare.perSecond)}/s; p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms`,
      met: ratio >= LEAST_OF_BARE_ROUTE && p99 <= P99_AT_MOST_MS,
      values: { perSecond: stored.perSecond, barePerSecond: bare.perSecond, ratio, p50, p99, ...stored.processor },
    };
  },
};

async function ofService(bench: Bench) {
  await using database = await bench.createDatabase('mysql');
  await using service = await bench.startService(database);
  const warmUp = await bench.load.run(order(bench, service.url, WARM_UP_SECONDS));
  const spent = countProcessor({ service: service.pid, database: bench.mysql.pid });
  const made = await bench.load.run(order(bench, service.url, SECONDS));
  const processor = spent(made.ids.length);
  await assertCommitted(database.url, [...warmUp.ids, ...made.ids]);
  return { ...rateOf(made), processor };
}

async function ofBareRoute(bench: Bench) {
  const child = startChild(new URL('../bare-express-process.ts', import.meta.url), {
    execArgv: startArguments.slice(0, -1),
  });
  try {
    const { port } = await child.next<{ port: number }>();
    const url = `http://127.0.0.1:${port}`;
    await bench.load.run(order(bench, url, WARM_UP_SECONDS));
    return rateOf(await bench.load.run(order(bench, url, SECONDS)));
  } finally {
    child.stop();
  }
}

const order = (bench: Bench, serviceUrl: string, seconds: number) => ({
  kind: 'closed' as const,
  path: '/timers' as const,
  serviceUrl,
  connections: CONNECTIONS,
  seconds,
  body: JSON.stringify({ hours: 4, minutes: 0, seconds: 1, url: bench.receiver.url }),
});

const rateOf = ({ ids, latencies, seconds }: Made) => ({
  perSecond: ids.length / seconds,
  latencies: latencies.sort((a, b) => a - b),
});
