/** See the diagram of the states in the README. */
export const TIMER_STATUSES = ['waiting', 'executing', 'done', 'failed', 'cancelled', 'unknown'] as const;
export type TimerStatus = (typeof TIMER_STATUSES)[number];

export const FAILURE_REASONS = [
  'attempts_exhausted',
  'gone',
  'expired',
  'undeliverable',
  'target_not_allowed',
  'lost_repeatedly',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

export const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

export const DELIVERIES = ['at_least_once', 'at_most_once'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** A timer's own retry plan: exponential between two bounds, or the delays themselves (the last one repeats). Milliseconds. */
export type RetryPlan = { base_ms: number; cap_ms: number } | { delays_ms: number[] };

/** What the client asked for. Nothing here changes but by the client. */
export interface TimerOrder {
  /** UUIDv7, made by us. */
  id: string;
  /** Which action performs the timer; `webhook` unless another module made it. */
  action: string;
  /** Name of the API key that made it; null where the API is open. */
  owner: string | null;
  label: string | null;
  /** The client's own name for it (`PUT /timers/by-key/:key`). */
  key: string | null;
  metadata: Record<string, string> | null;
  /** Epoch ms. The instant the client asked for. */
  dueAt: number;
  /** From creation to due, as first asked for; what `extend` grants again. */
  delayMs: number;
  /** Epoch ms by the store's clock. */
  createdAt: number;
  /** As sent by the client. */
  url: string;
  method: HttpMethod;
  headers: Record<string, string> | null;
  /** The exact bytes to send; null for the default body `{"id":"<id>"}`. Absent bytes of a large body are read just before sending. */
  body: Uint8Array | null;
  /** See also `isErased`. */
  bodyBytes: number;
  /** Whether the id is appended to the URL as a path segment. */
  appendId: boolean;
  /** Deadline of one attempt; null for the service's default. */
  timeoutMs: number | null;
  maxAttempts: number;
  retry: RetryPlan | null;
  delivery: Delivery;
  /** After due, when calling has become pointless; null for never. */
  expiresAfterMs: number | null;
}

/** Where the timer stands. */
export interface TimerProgress {
  status: TimerStatus;
  reason: FailureReason | null;
  /** Epoch ms. `nextAttemptAt` while waiting (or when that was written, if it had passed by then), end of the lease while executing, finish time afterwards. */
  wakeAt: number;
  /** Epoch ms. Due or retry time of the attempt that waits or runs; of the last one once finished. */
  nextAttemptAt: number;
  /** Who holds, or last held, the row. */
  claimId: string | null;
  /** Rises with every claim and every change. */
  fence: number;
  /** Attempts that came to an outcome in this run. */
  attempts: number;
  /** Leases lost in a row without an outcome. */
  lost: number;
  /** 0, and one more with every replay. */
  run: number;
  /** Epoch ms at which an at-most-once timer's send was marked as begun. */
  sendStartedAt: number | null;
}

/** What is kept of the last attempt on the timer itself. */
export interface LastAttempt {
  firedAt: number | null;
  /** Send instant minus due, or minus creation where that is later; of the run's first attempt. Whole milliseconds. */
  latenessMs: number | null;
  durationMs: number | null;
  httpStatus: number | null;
  errorCode: string | null;
  errorMessage: string | null;
  /** The beginning of the receiver's answer, where it may be kept. */
  answer: string | null;
}

export interface Timer extends TimerOrder, TimerProgress, LastAttempt {}

/** A timer that this replica holds by a claim it has read back from the store: what it takes to perform it, and no more. */
export type ClaimedTimer = Omit<TimerOrder, 'owner' | 'label' | 'key' | 'metadata' | 'delayMs'> &
  Pick<TimerProgress, 'nextAttemptAt' | 'fence' | 'attempts' | 'lost' | 'run'> & {
    claimId: string;
    latenessMs: number | null;
  };

export const isFinished = (status: TimerStatus): boolean => status !== 'waiting' && status !== 'executing';

/**
 * Whether headers or a body of the finished timer were erased: their length stands there without them. It must not be called
 * again, as its receiver would get something else.
 */
export const isErased = ({ body, bodyBytes }: Timer): boolean => body === null && bodyBytes > 0;
