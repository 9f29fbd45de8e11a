/**
 * What an attempt showed of its destination: that it works, that it answers at least, that it asks for less, or that nobody
 * is there. `inconclusive` shows nothing: the timer never left, or what went wrong was of our own making.
 */
export type Verdict = 'delivered' | FailureVerdict;
export type FailureVerdict = 'answered' | 'overloaded' | 'unreachable' | 'inconclusive';

/** Statuses by which a server asks for less. */
const OVERLOADED = new Set([429, 502, 503, 504]);

/** What is shown by an answer that was not what was hoped for. */
export const verdictOfAnswer = (httpStatus: number): FailureVerdict =>
  OVERLOADED.has(httpStatus) ? 'overloaded' : 'answered';
