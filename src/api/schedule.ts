import { v7 as uuidv7 } from 'uuid';
import type { ClaimedTimer, ShortTimers, TargetPolicy, Timer, TimerOrder, TimerStore } from '../timers/index.ts';
import type { NewTimer } from './new-timer.ts';
import { Problem } from './problem.ts';
import { resolveDue } from './when.ts';

export interface ScheduleDeps {
  store: Pick<TimerStore, 'insert'>;
  storeClock: { now(): number };
  shortTimers: ShortTimers;
  targets: TargetPolicy;
  maxDelayMs: number;
  maxAttempts: number;
}

export type Schedule = (asked: NewTimer, by: { owner: string | null }) => Promise<Timer>;

/** Makes timers: resolves once the timer is committed; rejects with a `Problem`, or with what the store threw. */
export function createSchedule(deps: ScheduleDeps): Schedule {
  return async (asked, { owner }) => {
    refuseTarget(asked.url, deps.targets);
    // Up to the next whole millisecond: due instants are integers and never before what was asked for.
    const createdAt = Math.ceil(deps.storeClock.now());
    const order = orderOf(asked, { ...deps, owner, createdAt });
    return insertTimer(order, deps);
  };
}

function refuseTarget(url: string, targets: TargetPolicy): void {
  const refusal = targets.refusalOf(url);
  if (refusal === undefined) return;
  throw new Problem('target_not_allowed', refusal, { errors: [{ pointer: '/url', message: refusal }] });
}

function orderOf(
  asked: NewTimer,
  given: { owner: string | null; createdAt: number; maxDelayMs: number; maxAttempts: number },
): TimerOrder {
  return {
    id: uuidv7({ msecs: given.createdAt }),
    action: 'webhook',
    owner: given.owner,
    label: null,
    key: null,
    metadata: null,
    ...resolveDue(asked, given),
    createdAt: given.createdAt,
    url: asked.url,
    method: 'POST',
    headers: null,
    body: null,
    bodyBytes: 0,
    appendId: true,
    timeoutMs: null,
    maxAttempts: given.maxAttempts,
    retry: null,
    delivery: 'at_least_once',
    expiresAfterMs: null,
  };
}

const UNTRIED = {
  reason: null,
  attempts: 0,
  lost: 0,
  run: 0,
  sendStartedAt: null,
  firedAt: null,
  latenessMs: null,
  durationMs: null,
  httpStatus: null,
  errorCode: null,
  errorMessage: null,
  answer: null,
};

/**
 * A timer due within the lookahead is written as claimed by this replica, which holds a place for it in its due queue
 * since before the write: no pass needs to find it. The place is given up when the write may not have happened.
 */
async function insertTimer(order: TimerOrder, { store, shortTimers }: ScheduleDeps): Promise<Timer> {
  const nextAttemptAt = Math.max(order.dueAt, order.createdAt);
  const place = shortTimers.reserve(nextAttemptAt, order.bodyBytes);
  if (!place) {
    const timer: Timer = {
      ...order,
      ...UNTRIED,
      status: 'waiting',
      wakeAt: nextAttemptAt,
      nextAttemptAt,
      claimId: null,
      fence: 0,
    };
    await store.insert([timer]);
    return timer;
  }
  const { claimId, leaseEndsAt } = place;
  const timer: Timer & ClaimedTimer = {
    ...order,
    ...UNTRIED,
    status: 'executing',
    wakeAt: leaseEndsAt,
    nextAttemptAt,
    claimId,
    fence: 1,
  };
  try {
    await store.insert([timer]);
  } catch (error) {
    place.abandon();
    throw error;
  }
  place.commit(timer);
  return timer;
}
