import type { ClaimResult } from '../timers/index.ts';
import { uuidToHex } from './uuid-bytes.ts';

/** Longest texts the columns take, in characters. */
const MAX_ERROR_MESSAGE = 512;
const MAX_ANSWER = 1024;

/** A claim's result as plain values, one per parameter of the statements that record it. */
export interface ResultRow {
  id: string;
  claim_id: string;
  status: string;
  reason: string | null;
  wake_at: number;
  next_attempt_at: number;
  /** 1 when there was an attempt, which counts and is kept; 0 when the row was handed back or given up unsent. */
  attempted: 0 | 1;
  /** 1 when the attempt gets a row of its own: all but a first-try success, which the timer's own columns tell. */
  logged: 0 | 1;
  fired_at: number | null;
  lateness_ms: number | null;
  duration_ms: number | null;
  http_status: number | null;
  error_code: string | null;
  error_message: string | null;
  answer: string | null;
  run: number | null;
  attempt: number | null;
  fence: number | null;
}

/** What is kept of an attempt, by the timer and in a row of its own. */
export const ATTEMPT_COLUMNS = [
  'fired_at',
  'lateness_ms',
  'duration_ms',
  'http_status',
  'error_code',
  'error_message',
  'answer',
] as const satisfies readonly (keyof ResultRow)[];

/** A first-try success: the timer's own columns tell it in full. */
export const isToldByTimer = (row: ResultRow): boolean => row.attempted === 1 && row.logged === 0;

/** Sorted by id: every writer locks rows in the same order, so that no two can wait for each other. */
export const toResultRows = (results: ClaimResult[]): ResultRow[] =>
  results.map(toResultRow).sort((a, b) => (a.id < b.id ? -1 : 1));

function toResultRow(result: ClaimResult): ResultRow {
  const { attempt } = result;
  return {
    id: uuidToHex(result.id),
    claim_id: uuidToHex(result.claimId),
    status: result.status,
    reason: result.reason,
    wake_at: result.wakeAt,
    next_attempt_at: result.nextAttemptAt,
    attempted: attempt === null ? 0 : 1,
    logged: attempt === null || (attempt.number === 1 && result.status === 'done') ? 0 : 1,
    fired_at: attempt?.firedAt ?? null,
    lateness_ms: attempt?.latenessMs ?? null,
    duration_ms: attempt?.durationMs ?? null,
    http_status: attempt?.httpStatus ?? null,
    error_code: attempt?.errorCode ?? null,
    error_message: attempt?.errorMessage?.slice(0, MAX_ERROR_MESSAGE) ?? null,
    answer: attempt?.answer?.slice(0, MAX_ANSWER) ?? null,
    run: attempt?.run ?? null,
    attempt: attempt?.number ?? null,
    fence: attempt?.fence ?? null,
  };
}
