import type { BenchCase } from '../bench-case.ts';
import type { Bench } from '../bench.ts';
import { crowd } from '../due-instants.ts';
import { makeTimers } from '../load.ts';
import { collect } from '../measure.ts';
import { countProcessor } from '../processor.ts';

const RECEIVER_LATENCY_MS = 20;
const WARM_UP = 5000;
const COUNT = 30_000;
const LEAST_RATIO = 1.8;

/** With a receiver that takes its time, so that a replica's calls in flight are the limit, and not the cores. */
export const replicas: BenchCase = {
  name: 'replicas',
  title: `two replicas against one, receiver ${RECEIVER_LATENCY_MS} ms away`,
  target: `≥ ${LEAST_RATIO} ×`,
  async run(bench) {
    const one = await drain(bench, 1);
    const two = await drain(bench, 2);
    const ratio = two.perSecond / one.perSecond;
    return {
      figure: `${ratio.toFixed(2)} × (${Math.round(two.perSecond)}/s against ${Math.round(one.perSecond)}/s)`,
      met: ratio >= LEAST_RATIO,
      values: { ratio, one: one.perSecond, two: two.perSecond, ...two.processor },
    };
  },
};

async function drain(bench: Bench, count: 1 | 2) {
  const { receiver } = bench;
  await using database = await bench.createDatabase('mysql');
  await using first = await bench.startService(database);
  await using second = count === 2 ? await bench.startService(database) : null;
  await receiver.reset(RECEIVER_LATENCY_MS);
  await collect(receiver, await makeTimers(first.url, crowd({ count: WARM_UP, url: receiver.url })), 60_000);
  await receiver.reset(RECEIVER_LATENCY_MS);
  const due = await makeTimers(first.url, crowd({ count: COUNT, url: receiver.url }));
  const pids = { first: first.pid, ...(second === null ? {} : { second: second.pid }), database: bench.mysql.pid };
  const spent = countProcessor(pids);
  const { seconds } = await collect(receiver, due, 120_000);
  return { perSecond: COUNT / seconds, processor: spent(COUNT) };
}
