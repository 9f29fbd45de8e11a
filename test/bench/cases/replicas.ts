import type { BenchCase } from '../bench-case.ts';
import type { Bench } from '../bench.ts';
import { crowd } from '../due-instants.ts';
import { makeTimers } from '../load.ts';
import { collect, type Call } from '../measure.ts';
import { countBusyCores, countProcessor } from '../processor.ts';

const LEAST_RATIO = 1.8;
/** The rate is taken between these, while all calls that may be in flight are: neither as the first go out, nor the last. */
const FROM_SHARE = 0.1;
const TO_SHARE = 0.9;
const COLLECT_WITHIN_MS = 60_000;

/** A replica makes at most as many calls a second as 128 in flight to one host allow: 6,400, which two cores do not carry. */
export const replicas = replicasCase({ name: 'replicas', receiverMs: 20, timers: 20_000 });
/** At most 1,280, of which they carry more than twice as many. So many timers that what the first holds is a small part. */
export const replicasAfar = replicasCase({ name: 'replicas-100ms', receiverMs: 100, timers: 50_000, long: true });

interface ReplicasDeps {
  name: string;
  /** How long the receiver takes to answer. */
  receiverMs: number;
  timers: number;
  long?: true;
}

function replicasCase({ name, receiverMs, timers, long }: ReplicasDeps): BenchCase {
  return {
    name,
    ...(long === true && { long }),
    title: `two replicas against one, receiver ${receiverMs} ms away`,
    target: `≥ ${LEAST_RATIO} ×`,
    async run(bench) {
      const one = await drain(bench, { replicas: 1, receiverMs, timers });
      const two = await drain(bench, { replicas: 2, receiverMs, timers });
      const ratio = two.perSecond / one.perSecond;
      return {
        figure: `${ratio.toFixed(2)} × (${Math.round(two.perSecond)}/s with ${two.busyCores.toFixed(1)} cores busy, against ${Math.round(one.perSecond)}/s with ${one.busyCores.toFixed(1)})`,
        met: ratio >= LEAST_RATIO,
        values: {
          ratio,
          one: one.perSecond,
          two: two.perSecond,
          oneBusyCores: one.busyCores,
          twoBusyCores: two.busyCores,
          ...two.processor,
        },
      };
    },
  };
}

async function drain(
  bench: Bench,
  { replicas, receiverMs, timers }: { replicas: 1 | 2; receiverMs: number; timers: number },
) {
  const { receiver } = bench;
  await using database = await bench.createDatabase('mysql');
  await using first = await bench.startService(database);
  await using second = replicas === 2 ? await bench.startService(database) : null;
  const fire = async (count: number) => {
    await receiver.reset(receiverMs);
    return makeTimers(first.url, crowd({ count, url: receiver.url }));
  };
  await collect(receiver, await fire(timers / 5), COLLECT_WITHIN_MS);
  const due = await fire(timers);
  const pids = { first: first.pid, ...(second === null ? {} : { second: second.pid }), database: bench.mysql.pid };
  const spent = countProcessor(pids);
  await receiver.untilCount(timers * FROM_SHARE, COLLECT_WITHIN_MS);
  const busyCores = countBusyCores();
  await receiver.untilCount(timers * TO_SHARE, COLLECT_WITHIN_MS);
  const busy = busyCores();
  const { calls } = await collect(receiver, due, COLLECT_WITHIN_MS);
  return { perSecond: middleRateOf(calls), busyCores: busy, processor: spent(timers) };
}

/** Arrivals per second. */
function middleRateOf(calls: Call[]): number {
  const [from, to] = [FROM_SHARE, TO_SHARE].map((share) => Math.floor((calls.length - 1) * share));
  const at = (index = NaN) => calls[index]?.arrivedAt ?? NaN;
  return (((to ?? NaN) - (from ?? NaN)) * 1000) / (at(to) - at(from));
}
