import type { BenchCase } from '../bench-case.ts';
import type { Bench, Engine } from '../bench.ts';
import { runBareLoop } from '../bare-loop.ts';
import { crowd } from '../due-instants.ts';
import { makeTimers } from '../load.ts';
import { collect, median } from '../measure.ts';
import { countProcessor } from '../processor.ts';
import type { BenchService } from '../service.ts';

export const BURST = 20_000;
/** The first finds code that has not been compiled yet; the median is the figure. */
export const BURSTS = 3;
const LEAST_PER_SECOND = 12_000;
const LEAST_OF_BARE_LOOP = 0.37;

export const burst = burstCase({ engine: 'mysql' });
export const burstOnSqlite = burstCase({ engine: 'sqlite' });

function burstCase({ engine }: { engine: Engine }): BenchCase {
  const onMysql = engine === 'mysql';
  return {
    name: onMysql ? 'burst' : `burst-${engine}`,
    title: `${BURST.toLocaleString('en')} due in one instant, ${onMysql ? 'MySQL' : 'SQLite'}`,
    ...(onMysql ? {} : { long: true }),
    target: onMysql ? `≥ ${LEAST_PER_SECOND}/s, ≥ ${LEAST_OF_BARE_LOOP} of a bare undici loop` : null,
    async run(bench) {
      await using database = await bench.createDatabase(engine);
      await using service = await bench.startService(database);
      const rates: number[] = [];
      const bareRates: number[] = [];
      const spent = { service: [] as number[], database: [] as number[], receiver: [] as number[] };
      for (let round = 0; round < BURSTS; round++) {
        const { perSecond, processor } = await runBurst(bench, service);
        rates.push(perSecond);
        spent.service.push(processor['service µs'] ?? NaN);
        spent.database.push(processor['database µs'] ?? NaN);
        spent.receiver.push(processor['receiver µs'] ?? NaN);
        if (onMysql) bareRates.push(await runBareLoop(bench.receiver, BURST));
      }
      const perSecond = median(rates);
      const barePerSecond = median(bareRates);
      const ratio = perSecond / barePerSecond;
      return {
        figure: `${Math.round(perSecond)}/s (${rates.map(Math.round).join(', ')})${onMysql ? `, ${ratio.toFixed(2)} of the loop's ${Math.round(barePerSecond)}/s` : ''}`,
        met: onMysql ? perSecond >= LEAST_PER_SECOND && ratio >= LEAST_OF_BARE_LOOP : null,
        values: {
          perSecond,
          barePerSecond,
          ratio,
          ...Object.fromEntries(Object.entries(spent).map(([name, each]) => [`${name} µs`, median(each)])),
        },
      };
    },
  };
}

async function runBurst(bench: Bench, service: BenchService) {
  const { receiver } = bench;
  await receiver.reset();
  const due = await makeTimers(service.url, crowd({ count: BURST, url: receiver.url }));
  const spent = countProcessor({ service: service.pid, database: bench.mysql.pid, receiver: receiver.pid });
  const { seconds } = await collect(receiver, due, 60_000);
  return { perSecond: BURST / seconds, processor: spent(BURST) };
}
