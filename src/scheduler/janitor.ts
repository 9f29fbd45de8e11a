import { randomUUID } from 'node:crypto';
import { createPause, type Clock, type Logger, type Service } from '../platform/index.ts';
import type { Purged, Stretch, TimerStore } from '../timers/index.ts';
import { createLoop } from './loop.ts';

const LEASE_NAME = 'janitor';
const LEASE_MS = 60_000;
/** The lease is renewed when less than this is left of it. */
const RENEW_MS = 30_000;
const BATCH = 500;
/** Between looks while there is nothing to forget. */
const INTERVAL_MS = 30_000;
/** Of its time the janitor works a fifth at most: this many times as long as a batch took, it leaves the store alone. */
const REST_PER_WORK = 4;
const LONGEST_REST_MS = 2000;
/** Distance kept below what was seen to be empty: what finishes is recorded a moment later. */
const SLACK_MS = 60_000;
/** How often a look goes down to the very beginning, for what was recorded long after. */
const SWEEP_INTERVAL_MS = 3_600_000;

export interface Janitor extends Service {
  /** Forgets a batch of each kind. Resolves to true when there is more to forget; to false too when another replica does it. */
  runOnce(): Promise<boolean>;
}

interface Sweep {
  kind: string;
  /** What ended before this is to be forgotten, epoch ms. */
  endedBefore(now: number): number;
  purge(stretch: Stretch): Promise<Purged>;
  /** Before it nothing is left: looks from the very beginning would walk over all that was deleted there. */
  from: number;
}

/** Forgets finished timers by the retention of today, and keys that have expired; one replica at a time. */
export function createJanitor(deps: {
  store: Pick<TimerStore, 'holdLease' | 'purgeTimers' | 'purgeIdempotencyKeys'>;
  storeClock: { now(): number };
  clock: Clock;
  random: () => number;
  logger: Logger;
  retentionMs: number;
}): Janitor {
  const { store, storeClock, clock, random, logger, retentionMs } = deps;
  const holder = randomUUID();
  const sweeps: Sweep[] = [
    ...(['done', 'failed', 'cancelled', 'unknown'] as const).map((status) => ({
      kind: status,
      endedBefore: (now: number) => now - retentionMs,
      purge: (stretch: Stretch) => store.purgeTimers(status, stretch),
      from: 0,
    })),
    {
      kind: 'idempotency_key',
      endedBefore: (now) => now,
      purge: (stretch) => store.purgeIdempotencyKeys(stretch),
      from: 0,
    },
  ];
  let leaseEndsAt = -Infinity;
  const rest = createPause(clock);
  let sweepAt = clock.monotonic() + SWEEP_INTERVAL_MS;
  const loop = createLoop({
    pass: workAndRest,
    intervalMs: INTERVAL_MS,
    clock,
    random,
    onError: (error, failures) => logger.warn({ err: error, failures }, 'janitor.failed'),
  });

  async function runOnce(): Promise<boolean> {
    const now = Math.floor(storeClock.now());
    if (!(await holdsLease(now))) return false;
    if (clock.monotonic() >= sweepAt) startOver();
    let more = false;
    for (const sweep of sweeps) more = (await advance(sweep, now)) || more;
    return more;
  }

  async function holdsLease(now: number): Promise<boolean> {
    if (now < leaseEndsAt - RENEW_MS) return true;
    const until = now + LEASE_MS;
    const isOurs = await store.holdLease({ name: LEASE_NAME, holder, now, until });
    leaseEndsAt = isOurs ? until : -Infinity;
    return isOurs;
  }

  function startOver(): void {
    for (const sweep of sweeps) sweep.from = 0;
    sweepAt = clock.monotonic() + SWEEP_INTERVAL_MS;
  }

  async function advance(sweep: Sweep, now: number): Promise<boolean> {
    const before = sweep.endedBefore(now);
    const { count, next } = await sweep.purge({ from: sweep.from, before, limit: BATCH });
    sweep.from = next ?? Math.max(sweep.from, before - SLACK_MS);
    if (count > 0) logger.debug({ kind: sweep.kind, count }, 'janitor.forgot');
    return next !== null;
  }

  async function workAndRest(): Promise<boolean> {
    const startedAt = clock.monotonic();
    const more = await runOnce();
    if (more) await rest.for(Math.min((clock.monotonic() - startedAt) * REST_PER_WORK, LONGEST_REST_MS));
    return more;
  }

  return {
    runOnce,
    start() {
      loop.start();
      return Promise.resolve();
    },
    stop() {
      const stopped = loop.stop();
      rest.end();
      return stopped;
    },
  };
}
