import type { Clock } from '../platform/index.ts';
import type { Action, ClaimedTimer } from '../timers/index.ts';
import { Attempt, type AttemptOrder } from './attempt.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { Connect } from './connector.ts';
import type { DialAhead } from './dial-ahead.ts';
import { INTERRUPTED } from './failure.ts';
import { createInterrupts } from './interrupts.ts';
import { outcomeOfBlockedTarget, outcomeOfFailure } from './outcome-of.ts';
import { createSigner } from './signer.ts';
import type { SigningSecret } from './signing-secrets.ts';
import type { Target } from './target.ts';
import type { TargetGate } from './target-gate.ts';
import { webhookRequest } from './webhook-request.ts';

/** The action `webhook`: one HTTP request to the timer's URL. */
export function createWebhookAction(deps: {
  timeoutMs: number;
  maxTimeoutMs: number;
  concurrencyPerHost: number;
  signingSecrets: SigningSecret[];
  gate: TargetGate;
  pool: ConnectionPool;
  connect: Connect;
  dialAhead: DialAhead;
  clock: Clock;
  storeNow: () => number;
  userAgent: string;
  onBug: (error: unknown) => void;
}): { action: Action; interruptAll: () => void } {
  const { timeoutMs, maxTimeoutMs, gate, dialAhead, storeNow, userAgent, onBug } = deps;
  const sign = createSigner(deps.signingSecrets);
  const interrupts = createInterrupts();

  const action: Action = {
    name: 'webhook',
    concurrency: deps.concurrencyPerHost,
    deadlineMs: (timer) => Math.min(timer.timeoutMs ?? timeoutMs, maxTimeoutMs),
    laneOf({ url }) {
      const parsed = gate.parse(url);
      return 'target' in parsed ? parsed.target.host : url;
    },
    prepare({ url, delivery, nextAttemptAt }) {
      const parsed = gate.parse(url);
      // At most once takes a connection that is new at its instant.
      if ('refusal' in parsed || delivery === 'at_most_once') return;
      dialAhead.prepare(parsed.target, { dueAt: nextAttemptAt, waitMs: nextAttemptAt - storeNow() });
    },
    perform(timer, signal, isOurs) {
      const parsed = gate.parse(timer.url);
      if ('refusal' in parsed) return Promise.resolve(outcomeOfBlockedTarget(parsed.refusal));

      if (signal.aborted) return Promise.resolve(outcomeOfFailure(INTERRUPTED, false));

      return new Promise((resolve) => {
        try {
          const attempt = new Attempt(deps, orderOf(timer, parsed.target, isOurs), (outcome) => {
            interrupts.delete(signal, attempt);
            resolve(outcome);
          });
          interrupts.add(signal, attempt);
          attempt.start();
        } catch (error) {
          onBug(error);
          resolve(outcomeOfFailure({ code: 'internal_error', message: 'The request could not be made.' }, false));
        }
      });
    },
  };
  const orderOf = (timer: ClaimedTimer, target: Target, isOurs: () => boolean): AttemptOrder => ({
    target,
    request: webhookRequest({ timer, target, sign, now: storeNow(), userAgent }),
    deadlineMs: action.deadlineMs(timer),
    mayResend: timer.delivery === 'at_least_once',
    isOurs,
  });
  return { action, interruptAll: () => interrupts.interruptAll() };
}
