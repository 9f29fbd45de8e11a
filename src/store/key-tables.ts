import type { StandingTimer } from './keyed-plan.ts';
import type { IdempotencyKeyRow, TimerKeyRow, TimerRow } from './schema.ts';
import { toClaimId } from './timer-row.ts';

export type IdempotencyKeyName = Pick<IdempotencyKeyRow, 'owner' | 'idem_key'>;

/**
 * What the engines do differently in the transaction of `insertKeyed`. All of them lock in one order, idempotency keys
 * before timer keys before timers and each kind sorted, so that no two transactions can wait for each other.
 */
export interface KeyTables {
  /** Makes the rows that are not there, and returns what stands under all of these keys, locked until the commit. */
  holdIdempotencyKeys(rows: IdempotencyKeyRow[]): Promise<IdempotencyKeyRow[]>;
  holdTimerKeys(rows: TimerKeyRow[]): Promise<TimerKeyRow[]>;
  /** Those of the timers that exist, locked until the commit. */
  holdTimers(ids: string[]): Promise<StandingTimer[]>;
  /** These three write what is held. */
  writeIdempotencyKeys(rows: IdempotencyKeyRow[]): Promise<void>;
  removeIdempotencyKeys(keys: IdempotencyKeyName[]): Promise<void>;
  writeTimerKeys(rows: TimerKeyRow[]): Promise<void>;
  /** Of timers that are held and wait. */
  changeTimers(rows: TimerRow[]): Promise<void>;
  /** A timer that is there already stays as it is. */
  insertTimers(rows: TimerRow[]): Promise<void>;
}

export const toStanding = (
  id: string,
  row: Pick<TimerRow, 'status' | 'claim_id' | 'fence' | 'run' | 'attempts' | 'lost' | 'created_at'>,
): StandingTimer => ({
  id,
  status: row.status,
  claimId: toClaimId(row.claim_id),
  fence: row.fence,
  run: row.run,
  attempts: row.attempts,
  lost: row.lost,
  createdAt: row.created_at,
});

/** Rows by their owned keys, in the order in which they are locked. */
export const inOrder = <Row>(rows: Map<string, Row>): Row[] =>
  [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);

/** Owners and keys are ASCII. */
export const toBytes = (text: string): Buffer => Buffer.from(text, 'latin1');
export const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
