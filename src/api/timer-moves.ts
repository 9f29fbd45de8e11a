import { isErased, NEW_RUN, Refusal, type Timer, type TimerChange } from '../timers/index.ts';
import type { Decide } from './change-own.ts';

/** A change cannot make a timer late: an instant that has passed means now. So lateness tells of us alone. */
export function moveTo(dueAt: number, now: number): TimerChange {
  const due = Math.max(dueAt, now);
  return { status: 'waiting', dueAt: due, nextAttemptAt: due, wakeAt: due };
}

/** Cancelling what is cancelled changes nothing. */
export const cancel: Decide = (timer, now) => {
  if (timer.status === 'cancelled') return null;
  refuseUnlessWaiting(timer);
  return { status: 'cancelled', wakeAt: now };
};

/** Now. Due stays what it was once it has passed, as an attempt has been made for it. */
export const fire: Decide = (timer, now) => {
  refuseUnlessWaiting(timer);
  return { ...moveTo(now, now), dueAt: timer.attempts === 0 ? now : Math.min(timer.dueAt, now) };
};

/** A run of its own, due now: attempts, lateness and expiry are counted anew. */
export const replay: Decide = (timer, now) => {
  if (timer.status === 'executing' || timer.status === 'waiting') {
    throw new Refusal(
      'not_finished',
      `The timer is ${timer.status}; only one that is done, failed or unknown can be replayed.`,
    );
  }
  if (timer.status === 'cancelled') {
    throw new Refusal('already_finished', 'The timer was cancelled; make a new one instead.');
  }
  if (isErased(timer)) {
    throw new Refusal('payload_erased', 'What the timer carried was erased, so that it can only be made anew.');
  }
  return { ...NEW_RUN, ...moveTo(now, now), run: timer.run + 1 };
};

export function refuseUnlessWaiting({ status }: Timer): void {
  if (status === 'waiting') return;
  if (status === 'executing') {
    throw new Refusal('already_executing', 'A replica has claimed the timer; it can no longer be changed.');
  }
  throw new Refusal('already_finished', `The timer is ${status} already.`);
}
