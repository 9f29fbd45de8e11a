import { v7 } from 'uuid';
import type { ClaimQuery, ClaimResult, PulseQuery, Timer } from '../../src/timers/index.ts';

/** An instant that tests count from. */
export const T0 = 1_800_000_000_000;

/** A timer that waits for `T0`, as the API would make it; `over` says what is different. */
export function makeTimer(over: Partial<Timer> = {}): Timer {
  const dueAt = over.dueAt ?? T0;
  return {
    id: v7(),
    action: 'webhook',
    owner: null,
    label: null,
    key: null,
    metadata: null,
    dueAt,
    delayMs: 1000,
    createdAt: dueAt - 1000,
    url: 'http://receiver.example/hook',
    method: 'POST',
    headers: null,
    body: null,
    bodyBytes: 0,
    appendId: true,
    timeoutMs: null,
    maxAttempts: 8,
    retry: null,
    delivery: 'at_least_once',
    expiresAfterMs: null,
    status: 'waiting',
    reason: null,
    wakeAt: dueAt,
    nextAttemptAt: dueAt,
    claimId: null,
    fence: 0,
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
    ...over,
  };
}

export const makeTimers = (count: number, over: (index: number) => Partial<Timer> = () => ({})): Timer[] =>
  Array.from({ length: count }, (_, index) => makeTimer(over(index)));

/** A claim of what waits around `T0`. */
export const claimOf = (over: Partial<ClaimQuery> = {}): ClaimQuery => ({
  from: 'waiting',
  wakeFrom: T0 - 60_000,
  wakeTo: T0 + 1000,
  limit: 500,
  claimId: crypto.randomUUID(),
  leaseEndsAt: T0 + 30_000,
  ...over,
});

/** A look at `T0` from the very beginning. */
export const pulseOf = (over: Partial<PulseQuery> = {}): PulseQuery => ({
  freshFrom: T0 - 2000,
  freshTo: T0 + 1000,
  backlogFrom: 0,
  leasesFrom: 0,
  ...over,
});

/** A delivered first try, unless `over` says otherwise. */
export function resultOf(held: { id: string; claimId: string }, over: Partial<ClaimResult> = {}): ClaimResult {
  return {
    id: held.id,
    claimId: held.claimId,
    status: 'done',
    reason: null,
    wakeAt: T0 + 20,
    nextAttemptAt: T0 + 20,
    attempt: {
      firedAt: T0 + 1,
      latenessMs: 1,
      durationMs: 19,
      httpStatus: 200,
      errorCode: null,
      errorMessage: null,
      answer: 'ok',
      run: 0,
      number: 1,
      fence: 1,
    },
    ...over,
  };
}
