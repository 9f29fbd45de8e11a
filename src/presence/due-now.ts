import { NEW_RUN, type Timer } from '../timers/index.ts';

type Given = Pick<Timer, 'id' | 'action' | 'url' | 'method' | 'maxAttempts'> & Partial<Timer>;

/** A timer of nobody's that waits to be performed at once; what is not given is as in a bare order. */
export const dueNow = (given: Given, now: number): Timer => ({
  ...NEW_RUN,
  owner: null,
  label: null,
  key: null,
  metadata: null,
  dueAt: now,
  delayMs: 0,
  createdAt: now,
  headers: null,
  body: null,
  bodyBytes: given.body?.length ?? 0,
  appendId: false,
  timeoutMs: null,
  retry: null,
  delivery: 'at_least_once',
  expiresAfterMs: null,
  status: 'waiting',
  wakeAt: now,
  nextAttemptAt: now,
  claimId: null,
  fence: 0,
  run: 0,
  ...given,
});
