import { verdictOfAnswer, type AttemptError, type Outcome } from '../timers/index.ts';
import { NO_SOCKET } from './failure.ts';
import { TARGET_REFUSALS } from './target-refusals.ts';

/** Errors that tell of ourselves, not of how the receiver is doing. */
const OUR_OWN = new Set(['interrupted', 'invalid_request', 'internal_error']);

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
  const failure = { error, verdict: verdictOfAnswer(httpStatus), httpStatus, answer };
  return httpStatus === 410
    ? { kind: 'rejected', reason: 'gone', ...failure }
    : { kind: 'retry', retryAfterMs, maybeSent: true, ...failure };
}

export function outcomeOfFailure(error: AttemptError, maybeSent: boolean): Outcome {
  if (error.code === NO_SOCKET && !maybeSent) return { kind: 'not_begun', error };
  const verdict = OUR_OWN.has(error.code) ? 'inconclusive' : 'unreachable';
  return { kind: 'retry', error, verdict, retryAfterMs: null, maybeSent, httpStatus: null, answer: null };
}

/** `refusal` is one of `TARGET_REFUSALS`: the words are the same whether the first gate or a look-up found it out. */
export function outcomeOfBlockedTarget(refusal: string = TARGET_REFUSALS.address): Outcome {
  const error = { code: 'target_not_allowed', message: refusal };
  return {
    kind: 'rejected',
    reason: 'target_not_allowed',
    error,
    verdict: 'inconclusive',
    httpStatus: null,
    answer: null,
  };
}
