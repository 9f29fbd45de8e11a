import { setTimeout as delay } from 'node:timers/promises';
import { queryServer } from '../../support/databases.ts';
import type { BenchCase } from '../bench-case.ts';
import type { Bench } from '../bench.ts';
import { filledId, fillDatabase } from '../fill.ts';
import { dueOf } from '../load.ts';
import { collect, distributionOf, latenessOf, type Call } from '../measure.ts';
import { countProcessor, peakResidentBytes } from '../processor.ts';
import { burst } from './burst.ts';

const OVERDUE = 1_000_000;
const OVERDUE_FOR_MS = 3_600_000;
const NEW_PER_SECOND = 100;
const SECONDS = 20;
/** Beyond the lookahead, so that passes have to find them beside the backlog. */
const NEW_DELAYS_MS: [number, number] = [1500, 3500];
const DRAINED_WITHIN_MS = 600_000;
const MB = 1e6;

const LEAST_OF_BURST = 0.85;
const NEW_P99_AT_MOST_MS = 100;
const RSS_UNDER_MB = 250;

const TARGET = `≥ ${LEAST_OF_BURST} of the rate above, newly due p99 ≤ ${NEW_P99_AT_MOST_MS} ms meanwhile, RSS < ${RSS_UNDER_MB} MB`;
const TITLE = `${OVERDUE.toLocaleString('en')} overdue at start`;

/** What a service finds that was down for an hour. */
export const backlog: BenchCase = {
  name: 'backlog',
  title: `${TITLE}, the first ${SECONDS} s`,
  target: TARGET,
  run: (bench) => drain(bench, { toTheEnd: false }),
};

export const backlogToTheEnd: BenchCase = {
  name: 'backlog-to-the-end',
  title: `${TITLE}, to the end`,
  target: TARGET,
  long: true,
  run: (bench) => drain(bench, { toTheEnd: true }),
};

async function drain(bench: Bench, { toTheEnd }: { toTheEnd: boolean }) {
  const burstPerSecond = (await bench.outcomeOf(burst)).values.perSecond ?? NaN;
  const { receiver } = bench;
  await using database = await bench.createDatabase('mysql');
  const since = Date.now() - OVERDUE_FOR_MS;
  const dueAt = (n: number) => since + Math.floor((n * OVERDUE_FOR_MS) / OVERDUE);
  const wakeAt = `${since} + floor(n * ${OVERDUE_FOR_MS} / ${OVERDUE})`;
  await fillDatabase(database.url, [{ count: OVERDUE, status: 'waiting', wakeAt, url: receiver.url }]);
  const service = await bench.startService(database);
  const spent = countProcessor({ service: service.pid, database: bench.mysql.pid, receiver: receiver.pid });
  const made = await bench.load.run({
    kind: 'open',
    serviceUrl: service.url,
    connections: 16,
    perSecond: NEW_PER_SECOND,
    seconds: SECONDS,
    hookUrl: receiver.url,
    delaysMs: NEW_DELAYS_MS,
  });
  const due = dueOf(made);
  if (toTheEnd) await receiver.untilCount(OVERDUE + due.size, DRAINED_WITHIN_MS);
  else await delay(NEW_DELAYS_MS[1]);
  const processor = spent(await receiver.count());
  const rssMb = peakResidentBytes(service.pid) / MB;
  await service.stop();

  for (const n of await doneOfBacklog(database.url)) due.set(filledId('waiting', n), dueAt(n));
  if (toTheEnd && due.size < OVERDUE + made.ids.length) throw new Error('Some calls were not recorded.');
  const { calls } = await collect(receiver, due, 0);
  return judge(calls, { isNew: new Set(made.ids), burstPerSecond, rssMb, processor });
}

/** What was fired by now according to the table; exactly these calls must have come. */
async function doneOfBacklog(databaseUrl: string): Promise<number[]> {
  const rows = await queryServer(
    databaseUrl,
    `SELECT CAST(CONV(RIGHT(HEX(id), 16), 16, 10) AS UNSIGNED) AS n FROM timers
      WHERE status = 'done' AND HEX(id) LIKE '${filledId('waiting', 0).replaceAll('-', '').slice(0, 16)}%'`,
  );
  return rows.map(({ n }) => Number(n));
}

function judge(
  calls: Call[],
  run: { isNew: Set<string>; burstPerSecond: number; rssMb: number; processor: Record<string, number> },
) {
  const { isNew, burstPerSecond, rssMb, processor } = run;
  const overdue = calls.filter(({ id }) => !isNew.has(id));
  const [first = NaN, last = NaN] = [overdue[0]?.arrivedAt, overdue.at(-1)?.arrivedAt];
  const perSecond = (overdue.length * 1000) / (last - first);
  const ratio = perSecond / burstPerSecond;
  const meanwhile = distributionOf(latenessOf(calls.filter(({ id, dueAt }) => isNew.has(id) && dueAt < last)));
  return {
    figure: `${Math.round(perSecond)}/s, ${ratio.toFixed(2)} of it; newly due p50 ${meanwhile.p50.toFixed(1)}, p99 ${meanwhile.p99.toFixed(0)} ms; RSS ${rssMb.toFixed(0)} MB`,
    met: ratio >= LEAST_OF_BURST && meanwhile.p99 <= NEW_P99_AT_MOST_MS && rssMb < RSS_UNDER_MB,
    values: { perSecond, ratio, newP50: meanwhile.p50, newP99: meanwhile.p99, rssMb, ...processor },
  };
}
