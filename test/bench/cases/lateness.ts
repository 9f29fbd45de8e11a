import type { BenchCase } from '../bench-case.ts';
import type { Bench, Engine } from '../bench.ts';
import { spreadTimers } from '../due-instants.ts';
import { makeTimers } from '../load.ts';
import { collect, distributionOf, inWords, type Distribution } from '../measure.ts';
import { countProcessor } from '../processor.ts';

interface LatenessDeps {
  engine: Engine;
  perSecond: number;
  seconds: number;
  /** Milliseconds. */
  atMost: Partial<Distribution>;
}

const PUNCTUAL = { p50: 1, p99: 4, max: 50 };

export const lateness = latenessCase({ engine: 'mysql', perSecond: 500, seconds: 20, atMost: PUNCTUAL });
export const latenessOnSqlite = latenessCase({ engine: 'sqlite', perSecond: 500, seconds: 20, atMost: PUNCTUAL });
export const latenessAt2000 = latenessCase({ engine: 'mysql', perSecond: 2000, seconds: 10, atMost: { p99: 10 } });
export const latenessAt5000 = latenessCase({ engine: 'mysql', perSecond: 5000, seconds: 10, atMost: { p99: 40 } });

function latenessCase({ engine, perSecond, seconds, atMost }: LatenessDeps): BenchCase {
  return {
    name: `lateness-${perSecond}${engine === 'mysql' ? '' : `-${engine}`}`,
    title: `lateness at ${perSecond} timers/s, ${engine === 'mysql' ? 'MySQL' : 'SQLite'}`,
    target: Object.entries(atMost)
      .map(([name, ms]) => `${name} ≤ ${ms} ms`)
      .join(', '),
    async run(bench) {
      const { lateness, processor } = await measure(bench, { engine, perSecond, seconds });
      const distribution = distributionOf(lateness);
      return {
        figure: inWords(distribution),
        met: Object.entries(atMost).every(([name, ms]) => distribution[name as keyof Distribution] <= ms),
        values: { ...distribution, ...processor },
        lateness,
      };
    },
  };
}

async function measure(bench: Bench, { engine, ...spread }: Omit<LatenessDeps, 'atMost'>) {
  const { receiver } = bench;
  await using database = await bench.createDatabase(engine);
  await using service = await bench.startService(database);
  const due = await makeTimers(service.url, spreadTimers({ ...spread, url: receiver.url }));
  const spent = countProcessor({
    service: service.pid,
    ...(engine === 'mysql' ? { database: bench.mysql.pid } : {}),
    receiver: receiver.pid,
  });
  const { lateness } = await collect(receiver, due, spread.seconds * 1000 + 30_000);
  return { lateness, processor: spent(due.size) };
}
