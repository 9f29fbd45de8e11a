import type { FailureVerdict } from './verdict.ts';

/** What became of a call. A receiver that answers 500 is an outcome, not an exception. */
export type Outcome =
  | AttemptOutcome
  /** For want of something of our own it was not begun. The receiver had no part in it, and no attempt is counted. */
  | { kind: 'not_begun'; error: AttemptError };

export type AttemptOutcome =
  | ({ kind: 'delivered'; error: null } & Exchange)
  /** Worth another try. `retryAfterMs` is the receiver's own wish; `maybeSent` says whether it may have seen the request. */
  | ({ kind: 'retry'; retryAfterMs: number | null; maybeSent: boolean } & Failure)
  /** Final: no further try can succeed. */
  | ({ kind: 'rejected'; reason: 'gone' | 'target_not_allowed' } & Failure);

interface Failure extends Exchange {
  error: AttemptError;
  verdict: FailureVerdict;
}

interface Exchange {
  /** Null when no status line arrived. */
  httpStatus: number | null;
  /** The beginning of the answer as text; null where there was none or it may not be kept. */
  answer: string | null;
}

/** `code` is stable and public; neither field ever tells an address of our network. */
export interface AttemptError {
  code: string;
  message: string;
}
