import type { Verdict } from './lane-limit.ts';
import type { Result } from './recorder.ts';

/** Statuses by which a server asks for less. */
const OVERLOADED = new Set([429, 502, 503, 504]);
/** Errors that tell of the target's address or of ourselves, not of how the host is doing. */
const NOT_THE_HOST = new Set(['target_not_allowed', 'interrupted', 'invalid_request', 'internal_error']);

/** What an attempt that ended so showed of its host. */
export function verdictOf({ attempt, status }: Result): Verdict {
  if (attempt === null) return 'unsent';
  if (status === 'done') return 'delivered';
  if (attempt.httpStatus !== null) return OVERLOADED.has(attempt.httpStatus) ? 'overloaded' : 'answered';
  return NOT_THE_HOST.has(attempt.errorCode ?? '') ? 'unsent' : 'unreachable';
}
