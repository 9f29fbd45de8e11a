import type { Clock, Logger, RemoteClock } from '../platform/index.ts';
import type { ClaimedTimer, ClaimQuery, TimerStore } from '../timers/index.ts';
import { claimInstant, type ClaimInstant, type HeldTimer } from './held-timer.ts';
import type { Holdings } from './holdings.ts';
import { newClaim, type LostClaims } from './lost-claims.ts';
import { createScanFloors } from './scan-floors.ts';
import type { SchedulerSettings } from './settings.ts';

/** What woke within this is fresh; what waits for longer is backlog. */
export const FRESH_MS = 2000;
/** Share of the room that late timers get beside those still to come, and the backlog beside both. */
const LATE_SHARE = 0.2;
/**
 * Places that those still to come leave to the late, whether there are any just now or not: where a crowd fills all the room,
 * one that was missed would starve.
 */
const KEPT_FOR_LATE = 500;
/** After a start, a store error or a step of the store's clock, those who hold finished work get this long to record it. */
export const TAKE_OVER_GRACE_MS = 5000;

export interface Pass {
  /**
   * One look at the store and what follows from it. Resolves to the room that the next claim takes, which is that of a batch,
   * as claims of one row each would cost too much; Infinity when all that is due within the lookahead is taken.
   */
  runOnce(): Promise<number>;
  /** No lease is taken over for a while from now on. */
  holdTakeOver(): void;
}

export function createPass(deps: {
  store: Pick<TimerStore, 'pulse' | 'claim' | 'expireSends'>;
  storeClock: RemoteClock;
  clock: Clock;
  holdings: Holdings;
  lostClaims: LostClaims;
  accept: (held: HeldTimer) => void;
  logger: Logger;
  settings: SchedulerSettings;
}): Pass {
  const { store, storeClock, clock, holdings, lostClaims, accept, logger, settings } = deps;
  const floors = createScanFloors({ clock });
  let noTakeOverBefore = clock.monotonic() + TAKE_OVER_GRACE_MS;

  function holdTakeOver(): void {
    noTakeOverBefore = clock.monotonic() + TAKE_OVER_GRACE_MS;
    floors.reset();
  }

  async function runOnce(): Promise<number> {
    await lostClaims.settle(storeClock.now());
    const now = Math.floor(storeClock.now());
    const freshFrom = now - FRESH_MS;
    const freshTo = now + settings.lookaheadMs;
    const from = floors.current(now);
    const pulse = await store.pulse({ freshFrom, freshTo, ...from });
    floors.seen(pulse, { freshFrom, leasesFrom: from.leasesFrom, now });
    // What was just seen is by a clock that is no more: the next look begins anew.
    if (storeClock.observe(pulse.storeNow)) {
      logger.warn({ store_now: pulse.storeNow }, 'store.clock_stepped');
      holdTakeOver();
    }

    // What can still be punctual comes first: a host's hundred thousand that are late already must not make others late.
    const ahead = pulse.fresh === null ? null : Math.max(pulse.fresh, now);
    const late = pulse.fresh === null || pulse.fresh >= now ? null : pulse.fresh;
    const share = Math.ceil(holdings.room() * LATE_SHARE);
    const forBacklog = pulse.backlog === null ? 0 : share;
    const forLate = forBacklog + (late === null ? 0 : share);
    const hasRunOut = pulse.lease !== null && pulse.lease < now;
    const lost = hasRunOut && clock.monotonic() >= noTakeOverBefore ? pulse.lease : null;
    if (lost !== null) await expireSends(lost, now);
    const isMoreAhead = await claimAhead(ahead, freshTo, holdings.room() - Math.max(forLate, KEPT_FOR_LATE));
    const isMoreLate = [
      await claim('executing', lost, now - 1, holdings.room() - forLate),
      await claim('waiting', late, now - 1, holdings.room() - forBacklog),
      await claim('waiting', pulse.backlog, freshFrom - 1, holdings.room()),
    ];
    if (isMoreLate.includes(true)) return settings.batchSize;
    return isMoreAhead ? settings.batchSize + KEPT_FOR_LATE : Infinity;
  }

  /**
   * The first of what is to come, and if they fill a batch, what comes after them: a crowd due in one instant must not
   * keep out those due a moment later.
   */
  async function claimAhead(first: number | null, wakeTo: number, room: number): Promise<boolean> {
    if (first === null) return false;
    const crowd = await claimTimers('waiting', first, wakeTo, room);
    if (room > 0 && crowd.length < Math.min(settings.batchSize, room)) return false;
    const afterCrowd = crowd.reduce((last, { nextAttemptAt }) => Math.max(last, nextAttemptAt), first) + 1;
    await claimTimers('waiting', afterCrowd, wakeTo, holdings.roomBesideCrowd());
    return true;
  }

  /** What was perhaps sent by a replica that died is not sent again. */
  async function expireSends(firstLease: number, now: number): Promise<void> {
    const limit = settings.batchSize;
    const expired = await store.expireSends({ wakeFrom: firstLease, wakeTo: now - 1, limit, now });
    if (expired > 0) logger.warn({ timers: expired }, 'timer.outcome_unknown');
  }

  /** Claims from the first row that the pulse saw. Resolves to true when the batch was full or there was no room. */
  async function claim(from: ClaimQuery['from'], first: number | null, wakeTo: number, room: number): Promise<boolean> {
    if (first === null) return false;
    return (await claimTimers(from, first, wakeTo, room)).length >= Math.min(settings.batchSize, room);
  }

  async function claimTimers(from: ClaimQuery['from'], wakeFrom: number, wakeTo: number, room: number) {
    const limit = Math.min(settings.batchSize, room);
    if (limit <= 0 || wakeFrom > wakeTo) return [];
    const claimedAt = claimInstant(clock);
    const lease = newClaim(storeClock.now(), settings.leaseMs);
    try {
      const timers = await store.claim({ from, wakeFrom, wakeTo, limit, ...lease });
      for (const timer of timers) hold(timer, claimedAt);
      return timers;
    } catch (error) {
      lostClaims.add(lease);
      throw error;
    }
  }

  function hold(timer: ClaimedTimer, claimedAt: ClaimInstant): void {
    const mine = holdings.get(timer.id);
    if (mine === undefined) {
      const held = { timer, claimedAt };
      holdings.add(held);
      accept(held);
      return;
    }
    // Our own row, whose lease ran out before its result could be recorded: from now on it is ours by the new claim.
    logger.warn({ id: timer.id }, 'timer.adopted');
    mine.timer.claimId = timer.claimId;
    mine.claimedAt = claimedAt;
  }

  return { runOnce, holdTakeOver };
}
