import {
  NEW_RUN,
  type ClaimedTimer,
  type Reservation,
  type ShortTimers,
  type Timer,
  type TimerOrder,
} from '../timers/index.ts';

/** A timer as it is to be written. */
export interface PlacedTimer {
  timer: Timer;
  /**
   * Settles the place that this replica holds for the timer since before the write, if it holds one: `stored` is the timer
   * as the store has it, null where nothing was written.
   */
  settle(stored: Timer | null): void;
  /** Whether it was written is open. */
  abandon(): void;
}

/**
 * A timer due within the lookahead is written as claimed by this replica, which holds a place for it in its due queue: no
 * pass needs to find it. The place is given up where the write may not have happened.
 */
export function placeTimer(order: TimerOrder, shortTimers: ShortTimers): PlacedTimer {
  const nextAttemptAt = Math.max(order.dueAt, order.createdAt);
  const place = shortTimers.reserve(nextAttemptAt, order.bodyBytes);
  const claim = place
    ? ({ status: 'executing', wakeAt: place.leaseEndsAt, claimId: place.claimId, fence: 1 } as const)
    : ({ status: 'waiting', wakeAt: nextAttemptAt, claimId: null, fence: 0 } as const);
  return {
    timer: { ...order, ...NEW_RUN, run: 0, ...claim, nextAttemptAt },
    settle: (stored) => place && settle(place, stored),
    abandon: () => place?.abandon(),
  };
}

function settle(place: Reservation, stored: Timer | null): void {
  if (stored !== null && isClaimed(stored)) place.commit(stored);
  else place.free();
}

const isClaimed = (timer: Timer): timer is Timer & ClaimedTimer => timer.claimId !== null;
