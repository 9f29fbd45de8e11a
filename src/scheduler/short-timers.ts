import type { Clock } from '../platform/index.ts';
import type { Reservation, ShortTimers } from '../timers/index.ts';
import { claimInstant, type HeldTimer } from './held-timer.ts';
import type { Holdings } from './holdings.ts';
import { newClaim, type LostClaims } from './lost-claims.ts';
import type { SchedulerSettings } from './settings.ts';

/**
 * Places in this replica's own due queue for timers that are due before a pass would find them. The place is taken before
 * the row is written, so a row that is committed under a claim always has someone who sends it.
 */
export function createShortTimers(deps: {
  storeClock: { now(): number };
  clock: Clock;
  holdings: Holdings;
  lostClaims: LostClaims;
  accept: (held: HeldTimer) => void;
  /** False while the replica starts, stops or cannot record: then the next pass of whichever replica finds the timer. */
  isOpen: () => boolean;
  settings: SchedulerSettings;
}): ShortTimers {
  const { storeClock, clock, holdings, lostClaims, accept, isOpen, settings } = deps;

  function reserve(nextAttemptAt: number, bodyBytes: number): Reservation | undefined {
    const now = storeClock.now();
    if (nextAttemptAt > now + settings.lookaheadMs || !isOpen() || !holdings.reserve(bodyBytes)) return undefined;
    const claimedAt = claimInstant(clock);
    const claim = newClaim(now, settings.leaseMs);
    return {
      ...claim,
      commit(timer) {
        const held = { timer, claimedAt, place: 'ahead' } as const;
        holdings.unreserve(bodyBytes);
        // Begun anew while the answer to its last result is still on its way to us.
        const mine = holdings.get(timer.id);
        if (mine === undefined) accept(held);
        else mine.onceGone = () => accept(held);
      },
      free: () => holdings.unreserve(bodyBytes),
      abandon() {
        holdings.unreserve(bodyBytes);
        lostClaims.add(claim);
      },
    };
  }

  return { reserve };
}
