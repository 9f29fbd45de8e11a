import type { AttemptError, Outcome } from '../timers/index.ts';
import { TARGET_REFUSALS } from './target-refusals.ts';

/**
 * What a receiver's answer means: 2xx is success, 410 asks never to call again (Standard Webhooks), everything else, a
 * redirect too, is worth another try. The status decides, whatever becomes of the body after it.
 */
export function outcomeOfAnswer(answered: {
  httpStatus: number;
  retryAfterMs: number | null;
  answer: string | null;
}): Outcome {
  const { httpStatus, retryAfterMs, answer } = answered;
  if (httpStatus >= 200 && httpStatus < 300) return { kind: 'delivered', error: null, httpStatus, answer };

  const error = { code: `http_${httpStatus}`, message: `The receiver answered with status ${httpStatus}.` };
  return httpStatus === 410
    ? { kind: 'rejected', reason: 'gone', error, httpStatus, answer }
    : { kind: 'retry', error, retryAfterMs, maybeSent: true, httpStatus, answer };
}

export function outcomeOfFailure(error: AttemptError, maybeSent: boolean): Outcome {
  return { kind: 'retry', error, retryAfterMs: null, maybeSent, httpStatus: null, answer: null };
}

/** `refusal` is one of `TARGET_REFUSALS`: the words are the same whether the first gate or a look-up found it out. */
export function outcomeOfBlockedTarget(refusal: string = TARGET_REFUSALS.address): Outcome {
  const error = { code: 'target_not_allowed', message: refusal };
  return { kind: 'rejected', reason: 'target_not_allowed', error, httpStatus: null, answer: null };
}
