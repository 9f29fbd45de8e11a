import {
  Refusal,
  type ClaimedTimer,
  type ShortTimers,
  type Timer,
  type TimerChange,
  type TimerStore,
} from '../timers/index.ts';
import type { Caller } from './authenticate.ts';
import type { FindOwn } from './find-own.ts';

/** What is to be written, given the timer as it stands and the instant; null where it is as wanted. Throws a `Refusal`. */
export type Decide = (timer: Timer, now: number) => TimerChange | null;

/** Changes a timer of the caller's; resolves with the timer as the store has it then. */
export type ChangeOwn = (id: unknown, caller: Caller, decide: Decide) => Promise<Timer>;

/** The timer was changed, or claimed and handed back, in between; more often than this in a row is not chance. */
const MAX_TRIES = 20;

/**
 * Looks, decides, and writes only if no claim and no other change has come in between; otherwise it looks again, so that it
 * is decided, or refused, by what is so now. A timer that is moved to within the lookahead is written as claimed by this
 * replica, like a new one: no pass needs to find it.
 */
export function createChangeOwn(deps: {
  store: Pick<TimerStore, 'change'>;
  findOwn: FindOwn;
  storeClock: { now(): number };
  shortTimers: ShortTimers;
}): ChangeOwn {
  const { store, findOwn, storeClock, shortTimers } = deps;

  async function write(seen: Timer, change: TimerChange): Promise<Timer | undefined> {
    const bodyBytes = change.bodyBytes ?? seen.bodyBytes;
    const { status, nextAttemptAt } = change;
    const moved = status === 'waiting' && nextAttemptAt !== undefined;
    const place = moved ? shortTimers.reserve(nextAttemptAt, bodyBytes) : undefined;
    if (!place) return store.change(seen, change);

    const { claimId, leaseEndsAt } = place;
    const claim = { status: 'executing', claimId, wakeAt: leaseEndsAt } as const;
    const changed = await store.change(seen, { ...change, ...claim }).catch((error: unknown) => {
      if (isUnwritten(error)) place.free();
      else place.abandon();
      throw error;
    });
    if (changed === undefined) place.free();
    else if (isOurs(changed, claimId)) place.commit(changed);
    else place.abandon();
    return changed;
  }

  return async (id, caller, decide) => {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const seen = await findOwn(id, caller);
      const change = decide(seen, Math.ceil(storeClock.now()));
      if (change === null || Object.keys(change).length === 0) return seen;
      const changed = await write(seen, change);
      if (changed !== undefined) return changed;
    }
    throw new Refusal('already_executing', 'The timer is being claimed or changed again and again; try once more.');
  };
}

/** It was read after the write: by then its lease may have run out, and another replica have taken it over. */
const isOurs = (timer: Timer, claimId: string): timer is Timer & ClaimedTimer =>
  timer.claimId === claimId && timer.status === 'executing';

/** What the store refuses it has not written; whether it has what it failed at, is open. */
const isUnwritten = (error: unknown): boolean => error instanceof Refusal && error.code !== 'store_unavailable';
