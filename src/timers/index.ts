export type { Action } from './action.ts';
export {
  DESTINATION_STATES,
  SILENT_MS,
  type DestinationError,
  type DestinationReport,
  type DestinationState,
  type DestinationStore,
} from './destination-store.ts';
export { BadValue, Refusal, type FieldError, type RefusalCode } from './errors.ts';
export type { IdempotencyRecord, KeyedResult, KeyedTimer, StoredTimer } from './keyed-timer.ts';
export type { AttemptError, AttemptOutcome, Outcome } from './outcome.ts';
export { latenessBucket, type LatenessCounts } from './lateness-counts.ts';
export { retryDelayMs } from './retry-policy.ts';
export type { Reservation, ShortTimers } from './short-timers.ts';
export { byBusyness, sumDestinations, type Busyness, type Destination } from './sum-destinations.ts';
export type { TargetPolicy } from './target-policy.ts';
export {
  DELIVERIES,
  FAILURE_REASONS,
  isErased,
  HTTP_METHODS,
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
export { NEW_RUN, type TimerChange, type TimerChanges } from './timer-changes.ts';
export {
  MAX_WALKED,
  type ListPosition,
  type LoggedAttempt,
  type TimerLists,
  type TimerPage,
  type TimerQuery,
} from './timer-lists.ts';
export type { Purged, Stretch, TimerRetention } from './timer-retention.ts';
export type {
  ClaimQuery,
  ClaimResult,
  HeldRow,
  Pulse,
  PulseQuery,
  RecordedAttempt,
  TimerStore,
} from './timer-store.ts';
export { verdictOfAnswer, type FailureVerdict, type Verdict } from './verdict.ts';
