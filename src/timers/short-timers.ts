import type { ClaimedTimer } from './timer.ts';

/**
 * A timer due within the lookahead would wait for the next pass. Instead the replica that writes it can write it already
 * claimed, having reserved a place in its own due queue first. Implemented by the scheduler, used by the API.
 */
export interface ShortTimers {
  /** A place for a timer due at `nextAttemptAt` (epoch ms, store's clock); undefined when that is too far off or there is no room. */
  reserve(nextAttemptAt: number, bodyBytes: number): Reservation | undefined;
}

/** Exactly one of `commit`, `free` and `abandon` is called, once. */
export interface Reservation {
  /** To be written with the row. */
  readonly claimId: string;
  readonly leaseEndsAt: number;
  /** Hands over the row; to be called synchronously when the store has committed it. */
  commit(timer: ClaimedTimer): void;
  /** Nothing was written under the claim, for certain. */
  free(): void;
  /** The write failed or its answer was lost: whatever row carries the claim is handed back and nothing is sent. */
  abandon(): void;
}
