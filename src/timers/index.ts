export type { Action } from './action.ts';
export { Refusal, type FieldError, type RefusalCode } from './errors.ts';
export type { AttemptError, Outcome } from './outcome.ts';
export { retryDelayMs } from './retry-policy.ts';
export type { Reservation, ShortTimers } from './short-timers.ts';
export type { TargetPolicy } from './target-policy.ts';
export {
  FAILURE_REASONS,
  isFinished,
  TIMER_STATUSES,
  type ClaimedTimer,
  type Delivery,
  type FailureReason,
  type HttpMethod,
  type LastAttempt,
  type RetryPlan,
  type Timer,
  type TimerOrder,
  type TimerProgress,
  type TimerStatus,
} from './timer.ts';
export type {
  ClaimQuery,
  ClaimResult,
  HeldRow,
  Pulse,
  PulseQuery,
  RecordedAttempt,
  TimerStore,
} from './timer-store.ts';
