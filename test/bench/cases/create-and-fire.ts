import { setTimeout as delay } from 'node:timers/promises';
import type { BenchCase } from '../bench-case.ts';
import type { Bench } from '../bench.ts';
import { dueOf } from '../load.ts';
import { collect, distributionOf, inWords, latenessOf, quantile, type Call } from '../measure.ts';
import { countProcessor, residentBytes } from '../processor.ts';
import { slopePerMinute } from '../slope.ts';

const PER_SECOND = 1000;
const DELAYS_MS: [number, number] = [1500, 3500];
/** Lest one connection meet the service's limit of requests. */
const CONNECTIONS = 128;
const MINUTE_MS = 60_000;
const SAMPLE_EVERY_MS = 1000;
const MB = 1e6;
const WARM_UP_MS = 2 * MINUTE_MS;

const CREATE_P99_AT_MOST_MS = 30;
const LATENESS_P99_AT_MOST_MS = 15;
const SLOPE_AT_MOST_MB = 1;
const LAST_MINUTE_AT_MOST = 1.2;

/** Making timers and firing them at once, for a minute. */
export const createAndFire: BenchCase = {
  name: 'create-and-fire',
  title: `making ${PER_SECOND}/s while firing ${PER_SECOND}/s for 60 s`,
  target: `create p99 ≤ ${CREATE_P99_AT_MOST_MS} ms, lateness p99 ≤ ${LATENESS_P99_AT_MOST_MS} ms`,
  async run(bench) {
    const { latencies, lateness, processor } = await run(bench, 60);
    const create = distributionOf(latencies);
    const distribution = distributionOf(lateness);
    return {
      figure: `create p50 ${create.p50.toFixed(1)}, p99 ${create.p99.toFixed(1)} ms; lateness ${inWords(distribution)}`,
      met: create.p99 <= CREATE_P99_AT_MOST_MS && distribution.p99 <= LATENESS_P99_AT_MOST_MS,
      values: { createP50: create.p50, createP99: create.p99, ...distribution, ...processor },
    };
  },
};

/** The same for so long that what leaks would show. */
export const soak: BenchCase = {
  name: 'soak',
  title: `10 minutes at ${PER_SECOND}/s`,
  target: `RSS slope ≤ ${SLOPE_AT_MOST_MB} MB/min after warm-up, lateness p99 of the last minute ≤ ${LAST_MINUTE_AT_MOST} × the first`,
  long: true,
  async run(bench) {
    const { calls, resident, processor } = await run(bench, 600);
    const begin = calls.reduce((least, { dueAt }) => Math.min(least, dueAt), Infinity);
    const end = calls.reduce((most, { dueAt }) => Math.max(most, dueAt), 0);
    const first = p99Between(calls, begin, begin + MINUTE_MS);
    const last = p99Between(calls, end - MINUTE_MS, end);
    const slopeMb = slopePerMinute(resident.filter(({ ms }) => ms >= WARM_UP_MS)) / MB;
    return {
      figure: `${slopeMb.toFixed(2)} MB/min; p99 ${first.toFixed(1)} ms in the first minute, ${last.toFixed(1)} ms in the last`,
      met: slopeMb <= SLOPE_AT_MOST_MB && last <= LAST_MINUTE_AT_MOST * first,
      values: { slopeMb, firstP99: first, lastP99: last, ...processor },
    };
  },
};

async function run(bench: Bench, seconds: number) {
  await using database = await bench.createDatabase('mysql');
  await using service = await bench.startService(database);
  const sampling = new AbortController();
  const resident = sampleResident(service.pid, sampling.signal);
  const spent = countProcessor({ service: service.pid, database: bench.mysql.pid });
  const made = await bench.load.run({
    kind: 'open',
    serviceUrl: service.url,
    connections: CONNECTIONS,
    perSecond: PER_SECOND,
    seconds,
    hookUrl: bench.receiver.url,
    delaysMs: DELAYS_MS,
  });
  sampling.abort();
  const { calls, lateness } = await collect(bench.receiver, dueOf(made), 60_000);
  return {
    calls,
    lateness,
    latencies: made.latencies.sort((a, b) => a - b),
    processor: spent(calls.length),
    resident: await resident,
  };
}

async function sampleResident(pid: number, signal: AbortSignal): Promise<{ ms: number; value: number }[]> {
  const samples: { ms: number; value: number }[] = [];
  const startedAt = performance.now();
  while (!signal.aborted) {
    samples.push({ ms: performance.now() - startedAt, value: residentBytes(pid) });
    await delay(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return samples;
}

const p99Between = (calls: Call[], from: number, to: number): number =>
  quantile(latenessOf(calls.filter(({ dueAt }) => dueAt >= from && dueAt < to)), 0.99);
