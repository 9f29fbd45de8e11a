import { setTimeout as delay } from 'node:timers/promises';
import { queryServer } from '../../support/databases.ts';
import type { BenchCase } from '../bench-case.ts';
import type { Bench } from '../bench.ts';
import { addTimers, filledId, fillDatabase } from '../fill.ts';
import { dueOf } from '../load.ts';
import { collect, distributionOf, latenessOf, type Call } from '../measure.ts';
import { countProcessor, peakResidentBytes } from '../processor.ts';
import { burst } from './burst.ts';

const OVERDUE = 1_000_000;
const OVERDUE_FOR_MS = 3_600_000;
const NEW_PER_SECOND = 100;
const SECONDS = 20;
/** The first half's are in the store before the start, as a burst's are before its instant; the others are made one by one. */
const STORED = (NEW_PER_SECOND * SECONDS) / 2;
const POSTED_SECONDS = SECONDS / 2;
/** When the first of the stored ones is due: the service is there by then. */
const STORED_LEAD_MS = 4000;
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
  const firstStored = Date.now() + STORED_LEAD_MS;
  const storedEveryMs = 1000 / NEW_PER_SECOND;
  await addTimers(database.url, {
    count: STORED,
    family: 'later',
    status: 'waiting',
    wakeAt: `${firstStored} + n * ${storedEveryMs}`,
    url: receiver.url,
  });
  const service = await bench.startService(database);
  const spent = countProcessor({ service: service.pid, database: bench.mysql.pid, receiver: receiver.pid });
  await delay((SECONDS - POSTED_SECONDS) * 1000);
  const postsFrom = Date.now();
  const made = await bench.load.run({
    kind: 'open',
    serviceUrl: service.url,
    connections: 16,
    perSecond: NEW_PER_SECOND,
    seconds: POSTED_SECONDS,
    hookUrl: receiver.url,
    delaysMs: NEW_DELAYS_MS,
  });
  const postsTo = Date.now();
  const due = dueOf(made);
  for (let n = 0; n < STORED; n++) due.set(filledId('later', n), firstStored + n * storedEveryMs);
  if (toTheEnd) await receiver.untilCount(OVERDUE + due.size, DRAINED_WITHIN_MS);
  else await delay(NEW_DELAYS_MS[1]);
  const processor = spent(await receiver.count());
  const rssMb = peakResidentBytes(service.pid) / MB;
  await service.stop();

  const isNew = new Set(due.keys());
  for (const n of await doneOfBacklog(database.url)) due.set(filledId('waiting', n), dueAt(n));
  if (toTheEnd && due.size < OVERDUE + isNew.size) throw new Error('Some calls were not recorded.');
  const { calls } = await collect(receiver, due, 0);
  return judge(calls, { isNew, postsFrom, postsTo, burstPerSecond, rssMb, processor });
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
  run: {
    isNew: Set<string>;
    postsFrom: number;
    postsTo: number;
    burstPerSecond: number;
    rssMb: number;
    processor: Record<string, number>;
  },
) {
  const { isNew, postsFrom, postsTo, burstPerSecond, rssMb, processor } = run;
  const overdue = calls.filter(({ id }) => !isNew.has(id)).map(({ arrivedAt }) => arrivedAt);
  const [first = NaN, last = NaN] = [overdue[0], overdue.at(-1)];
  const besidePosts = overdue.filter((at) => at >= postsFrom && at < postsTo).length;
  // A burst has no requests beside it either.
  const perSecond = ((overdue.length - besidePosts) * 1000) / (last - first - (postsTo - postsFrom));
  const besidePostsPerSecond = (besidePosts * 1000) / (postsTo - postsFrom);
  const [ratio, besidePostsRatio] = [perSecond / burstPerSecond, besidePostsPerSecond / burstPerSecond];
  const meanwhile = distributionOf(latenessOf(calls.filter(({ id, dueAt }) => isNew.has(id) && dueAt < last)));
  return {
    figure:
      `${Math.round(perSecond)}/s, ${ratio.toFixed(2)} of it (beside ${NEW_PER_SECOND} POSTs/s ${Math.round(besidePostsPerSecond)}/s, ${besidePostsRatio.toFixed(2)}); ` +
      `newly due p50 ${meanwhile.p50.toFixed(1)}, p99 ${meanwhile.p99.toFixed(0)} ms; RSS ${rssMb.toFixed(0)} MB`,
    met: ratio >= LEAST_OF_BURST && meanwhile.p99 <= NEW_P99_AT_MOST_MS && rssMb < RSS_UNDER_MB,
    values: {
      perSecond,
      ratio,
      besidePostsPerSecond,
      besidePostsRatio,
      newP50: meanwhile.p50,
      newP99: meanwhile.p99,
      rssMb,
      ...processor,
    },
  };
}
