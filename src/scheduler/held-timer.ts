import type { Clock } from '../platform/index.ts';
import type { ClaimedTimer } from '../timers/index.ts';

/** The instant before a claim was sent, by both clocks; the lease has been running at most since then. */
export interface ClaimInstant {
  monotonic: number;
  wall: number;
}

/**
 * What kind of room a timer takes up: it was late already when it was claimed, or still to come, or still to come and
 * claimed while there was nothing else to do.
 */
export type Place = 'late' | 'ahead' | 'idle';

/** A timer that this replica holds, from the claim until its result is in the store. */
export interface HeldTimer {
  timer: ClaimedTimer;
  claimedAt: ClaimInstant;
  readonly place: Place;
  /** What to do as soon as it is held no more. */
  onceGone?: () => void;
}

export const claimInstant = (clock: Clock): ClaimInstant => ({ monotonic: clock.monotonic(), wall: clock.now() });

/**
 * How long the claim is ours already, at the most. The monotonic clock stands still while a laptop sleeps, the wall clock
 * may be set back: the larger difference counts.
 */
export const claimAgeMs = (claimedAt: ClaimInstant, clock: Clock): number =>
  Math.max(clock.monotonic() - claimedAt.monotonic, clock.now() - claimedAt.wall);

/** Left between the latest end of an attempt and the end of the lease, for recording its outcome. */
export const LEASE_MARGIN_MS = 2000;

/** Whether an attempt of this length begun now would end while the claim is still ours. Otherwise nothing may be sent. */
export const leaseCovers = (
  held: HeldTimer,
  { attemptMs, leaseMs, clock }: { attemptMs: number; leaseMs: number; clock: Clock },
): boolean => claimAgeMs(held.claimedAt, clock) + attemptMs + LEASE_MARGIN_MS <= leaseMs;
