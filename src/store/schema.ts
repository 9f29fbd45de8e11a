import type { Delivery, FailureReason, TimerStatus } from '../timers/index.ts';

/** The tables as both engines hand them out; see `migrations/` for what the columns mean. JSON columns are text. */
export interface Database {
  timers: TimerRow;
  attempts: AttemptRow;
  idempotency_keys: IdempotencyKeyRow;
  timer_keys: TimerKeyRow;
  destinations: DestinationsRow;
  objects: ObjectRow;
  checkers: CheckerRow;
}

export interface TimerRow {
  id: Uint8Array;
  status: TimerStatus;
  wake_at: number;
  next_attempt_at: number;
  due_at: number;
  claim_id: Uint8Array | null;
  fence: number;
  attempts: number;
  lost: number;
  run: number;
  reason: FailureReason | null;
  send_started_at: number | null;
  action: string;
  owner: string | null;
  label: string | null;
  timer_key: string | null;
  metadata: string | null;
  created_at: number;
  delay_ms: number;
  url: string;
  method: string;
  headers: string | null;
  body: Uint8Array | null;
  body_bytes: number;
  append_id: number;
  timeout_ms: number | null;
  max_attempts: number;
  retry: string | null;
  delivery: Delivery;
  expires_after_ms: number | null;
  fired_at: number | null;
  lateness_ms: number | null;
  duration_ms: number | null;
  http_status: number | null;
  error_code: string | null;
  error_message: string | null;
  answer: string | null;
}

export interface AttemptRow {
  timer_id: Uint8Array;
  fence: number;
  run: number;
  attempt: number;
  fired_at: number;
  lateness_ms: number;
  duration_ms: number;
  http_status: number | null;
  error_code: string | null;
  error_message: string | null;
  answer: string | null;
}

/** Owner and key are bytes; no owner is the empty one. */
export interface IdempotencyKeyRow {
  owner: Uint8Array;
  idem_key: Uint8Array;
  timer_id: Uint8Array;
  request_hash: Uint8Array;
  answer: string;
  expires_at: number;
}

export interface TimerKeyRow {
  owner: Uint8Array;
  timer_key: Uint8Array;
  timer_id: Uint8Array;
}

/** What one replica tells of the hosts it calls. */
export interface DestinationsRow {
  replica: Uint8Array;
  told_at: number;
  reports: string;
}

/** The id as UTF-8. */
export interface ObjectRow {
  id: Uint8Array;
  last_seen: number;
}

export interface CheckerRow {
  replica: Uint8Array;
  alive_until: number;
}
