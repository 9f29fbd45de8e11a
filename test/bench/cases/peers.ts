import { randomUUID } from 'node:crypto';
import type { BenchCase, Outcome } from '../bench-case.ts';
import type { Bench } from '../bench.ts';
import { collect, distributionOf, inWords, median } from '../measure.ts';
import { startPeer, type Peer, type PeerName } from '../peer.ts';
import { countProcessor } from '../processor.ts';
import { startPostgres } from '../servers/postgres.ts';
import { startRedis } from '../servers/redis.ts';
import type { PeerServer } from '../servers/server-process.ts';
import { burst, BURST, BURSTS } from './burst.ts';
import { lateness } from './lateness.ts';

const PER_SECOND = 500;
const SECONDS = 20;
const TIMES_BEHIND = 10;
/** A peer may take its time; it is lost only after this. */
const FIRED_WITHIN_MS = 120_000;

export const bullmq = peerCase({
  name: 'bullmq',
  title: 'BullMQ 6',
  start: () => startRedis({ fsync: 'always' }),
});
/** As most people run it: a crash loses up to a second of what was acknowledged. */
export const bullmqEverysec = peerCase({
  name: 'bullmq',
  variant: 'everysec',
  title: 'BullMQ 6',
  start: () => startRedis({ fsync: 'everysec' }),
  long: true,
});
export const graphileWorker = peerCase({
  name: 'graphile-worker',
  title: 'Graphile Worker 0.18',
  start: startPostgres,
});
export const pgBoss = peerCase({ name: 'pg-boss', title: 'pg-boss 10', start: startPostgres });

export const PEERS = [bullmq, graphileWorker, pgBoss];

function peerCase(peer: {
  name: PeerName;
  variant?: string;
  title: string;
  start: () => Promise<PeerServer>;
  long?: true;
}): BenchCase {
  const { name, variant, title, long } = peer;
  return {
    name: variant === undefined ? name : `${name}-${variant}`,
    title: `${title}${variant === undefined ? '' : ` (${variant})`}: lateness at ${PER_SECOND}/s; ${BURST.toLocaleString('en')} in one instant`,
    target: `${TIMES_BEHIND} × behind at p99; behind in the instant`,
    ...(long === undefined ? {} : { long }),
    async run(bench) {
      // One after the other, and a run of ours that was not in order must not cost the peer its row.
      const ours: (Outcome | undefined)[] = [];
      for (const one of [lateness, burst]) ours.push(await bench.outcomeOf(one).catch(() => undefined));

      await using server = await peer.start();
      await using running = await startPeer(name, { serverUrl: server.url, hookUrl: bench.receiver.url });
      const count = PER_SECOND * SECONDS;
      const spent = countProcessor({ peer: running.pid });
      const spread = await fire(bench, running, count, () => Math.random() * SECONDS * 1000);
      const processor = spent(count);
      const rates: number[] = [];
      for (let round = 0; round < BURSTS; round++) {
        const { seconds } = await fire(bench, running, BURST, () => 0);
        rates.push(BURST / seconds);
      }
      const distribution = distributionOf(spread.lateness);
      const timesBehind = distribution.p99 / (ours[0]?.values.p99 ?? NaN);
      const perSecond = median(rates);
      return {
        figure: `${inWords(distribution)}, ${timesBehind.toFixed(0)} × ours; ${Math.round(perSecond)}/s (${server.description})`,
        met: timesBehind >= TIMES_BEHIND && perSecond < (ours[1]?.values.perSecond ?? 0),
        values: { ...distribution, timesBehind, perSecond, early: spread.early, ...processor },
        lateness: spread.lateness,
      };
    },
  };
}

/** Schedules the timers, due some time after an instant by which all are stored, and waits for their calls. */
async function fire({ receiver }: Bench, peer: Peer, count: number, afterMs: () => number) {
  await receiver.reset();
  const begin = Date.now() + 1000 + count / 8;
  const timers = Array.from({ length: count }, () => ({ id: randomUUID(), dueAt: Math.ceil(begin + afterMs()) }));
  await peer.schedule(timers);
  if (Date.now() > begin) throw new Error('Some were due before all were stored.');
  return collect(receiver, new Map(timers.map(({ id, dueAt }) => [id, dueAt])), FIRED_WITHIN_MS, { mayBeEarly: true });
}
