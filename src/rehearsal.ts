import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { v7 } from 'uuid';
import { createDelivery, type SigningSecret } from './delivery/index.ts';
import { createRemoteClock, type Clock, type Logger } from './platform/index.ts';
import { createScheduler } from './scheduler/index.ts';
import type { ClaimedTimer, ClaimQuery, ClaimResult } from './timers/index.ts';

/** Half a second's work. Three hundred were not enough, two thousand were no better. */
const TIMERS = 1000;
/** More than a host gets: what opens connections is rehearsed as much as what uses them. */
const AT_ONCE = 300;
/** As fast as they can be sent, so that waiting is no part of it. */
const DUE_PER_MS = 4;
const LEAD_MS = 5;
const LONGEST_MS = 2000;

interface RehearsalDeps {
  clock: Clock;
  signingSecrets: SigningSecret[];
  logger: Logger;
}

/**
 * Fires timers that are nobody's at a receiver of its own, before there are real ones: code is slow until V8 has seen what it
 * is used for, and after a start it would be real timers that show it. At 2,000 a second, p99 over the first ten seconds was
 * 20 to 67 ms without this, and 9 to 12 with it (`npm run bench -- lateness-2000`). Scheduler and delivery are those of the
 * service, the store is a stage: nothing reaches the database or leaves the machine. What has no result after two seconds is
 * given up. Never rejects; resolves to how many were delivered.
 */
export async function rehearse(deps: RehearsalDeps): Promise<number> {
  const receiver = createServer((request, response) => request.resume().on('end', () => response.end('ok')));
  try {
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    return await fireAt(receiver.address() as AddressInfo, deps);
  } catch (error) {
    deps.logger.warn({ err: error }, 'rehearsal.failed');
    return 0;
  } finally {
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
  }
}

async function fireAt({ port }: AddressInfo, { clock, signingSecrets, logger }: RehearsalDeps): Promise<number> {
  const storeClock = createRemoteClock({ clock });
  storeClock.observe(clock.now());
  const delivery = createDelivery({
    timeoutMs: LONGEST_MS,
    maxTimeoutMs: LONGEST_MS,
    concurrencyPerHost: AT_ONCE,
    signingSecrets,
    allowedNetworks: [],
    allowLoopback: true,
    ownPorts: () => [],
    clock,
    storeNow: () => storeClock.now(),
    userAgent: 'punctual',
    onBug: () => undefined,
  });
  const store = createStage({
    url: `http://127.0.0.1:${port}/rehearsal`,
    begin: Math.ceil(storeClock.now()) + LEAD_MS,
  });
  const scheduler = createScheduler({
    store,
    storeClock,
    clock,
    actions: [delivery.action],
    destinationsOf: delivery.action.name,
    random: Math.random,
    logger: logger.child({}, { level: 'silent' }),
    settings: {
      batchSize: TIMERS + 1,
      pollIntervalMs: 500,
      lookaheadMs: 1000,
      leaseMs: 60_000,
      maxConcurrency: AT_ONCE,
      maxRatePerLane: null,
      giveUpAfterMs: 60_000,
    },
  });

  let cancel = () => {};
  try {
    await scheduler.runOnce();
    await Promise.race([store.ended, new Promise<void>((resolve) => (cancel = clock.after(LONGEST_MS, resolve)))]);
  } finally {
    cancel();
    await scheduler.stop();
    await delivery.close();
  }
  return store.delivered();
}

/**
 * What a scheduler asks of a store, for one pass: its first claim gets all the timers (on a slow machine there is a second,
 * for those late already), and `ended` tells that all have results.
 */
function createStage({ url, begin }: { url: string; begin: number }) {
  const ended = Promise.withResolvers<undefined>();
  let results: ClaimResult[] = [];
  let unclaimed = TIMERS;

  const timerOf = (index: number, claimId: string): ClaimedTimer => {
    const dueAt = begin + Math.floor(index / DUE_PER_MS);
    return {
      id: v7(),
      action: 'webhook',
      dueAt,
      createdAt: begin,
      url,
      method: 'POST',
      headers: null,
      body: null,
      bodyBytes: 0,
      appendId: true,
      timeoutMs: null,
      maxAttempts: 1,
      retry: null,
      delivery: 'at_least_once',
      expiresAfterMs: null,
      nextAttemptAt: dueAt,
      claimId,
      fence: 1,
      attempts: 0,
      lost: 0,
      run: 0,
      latenessMs: null,
    };
  };

  return {
    ended: ended.promise,
    delivered: () => results.filter(({ status }) => status === 'done').length,
    pulse: () => Promise.resolve({ storeNow: begin - LEAD_MS, fresh: begin, backlog: null, lease: null }),
    claim({ claimId }: ClaimQuery) {
      const claimed = Array.from({ length: unclaimed }, (_, index) => timerOf(index, claimId));
      unclaimed = 0;
      return Promise.resolve(claimed);
    },
    record(batch: ClaimResult[]) {
      results = [...results, ...batch];
      if (results.length >= TIMERS) ended.resolve(undefined);
      return Promise.resolve([]);
    },
    releaseClaim: () => Promise.resolve(),
    readBody: () => Promise.resolve(undefined),
    markSends: () => Promise.resolve([]),
    expireSends: () => Promise.resolve(0),
    publishDestinations: () => Promise.resolve(),
    forgetDestinations: () => Promise.resolve(),
  };
}
