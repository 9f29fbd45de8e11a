import type { Clock, Logger, RemoteClock } from '../platform/index.ts';
import type { ClaimedTimer, ClaimQuery, TimerStore } from '../timers/index.ts';
import { claimInstant, type HeldTimer, type Place } from './held-timer.ts';
import type { Holdings } from './holdings.ts';
import { newClaim, type LostClaims } from './lost-claims.ts';
import type { Recorder } from './recorder.ts';
import { createScanFloors } from './scan-floors.ts';
import type { SchedulerSettings } from './settings.ts';

/** What woke within this is fresh; what waits for longer is backlog. */
export const FRESH_MS = 2000;
/** Share of the room for late timers that is left to those that woke just now, and as much to the backlog. */
const LATE_SHARE = 0.2;
/** After a start, a store error or a step of the store's clock, those who hold finished work get this long to record it. */
export const TAKE_OVER_GRACE_MS = 5000;

/** What a pass has left: those still to come, within the lookahead, and those that are late. */
export interface Left {
  ahead: boolean;
  late: boolean;
}

export interface Pass {
  /** One look at the store and what follows from it. */
  runOnce(): Promise<Left>;
  /** No lease is taken over for a while from now on. */
  holdTakeOver(): void;
}

export function createPass(deps: {
  store: Pick<TimerStore, 'pulse' | 'claim' | 'expireSends'>;
  storeClock: RemoteClock;
  clock: Clock;
  holdings: Holdings;
  /** Which places those to come take just now. */
  placeAhead: () => Place;
  lostClaims: LostClaims;
  recorder: Pick<Recorder, 'isWriting'>;
  accept: (held: HeldTimer) => void;
  logger: Logger;
  settings: SchedulerSettings;
}): Pass {
  const { store, storeClock, clock, holdings, placeAhead, lostClaims, recorder, accept, logger, settings } = deps;
  const floors = createScanFloors({ clock });
  let noTakeOverBefore = clock.monotonic() + TAKE_OVER_GRACE_MS;
  let lookedAheadAt = -Infinity;
  let left: Left = { ahead: false, late: false };

  function holdTakeOver(): void {
    noTakeOverBefore = clock.monotonic() + TAKE_OVER_GRACE_MS;
    floors.reset();
  }

  async function runOnce(): Promise<Left> {
    await lostClaims.settle(storeClock.now());
    const now = Math.floor(storeClock.now());
    const freshFrom = now - FRESH_MS;
    const freshTo = now + settings.lookaheadMs;
    const from = floors.current(now);
    const pulse = await store.pulse({ freshFrom, freshTo, ...from });
    floors.seen(pulse, { freshFrom, leasesFrom: from.leasesFrom, now });
    // The pulse was asked by the old clock: to claim by it could take timers long before they are due. The next one begins anew.
    if (storeClock.observe(pulse.storeNow)) {
      logger.warn({ store_now: pulse.storeNow }, 'store.clock_stepped');
      holdTakeOver();
      return (left = { ahead: false, late: false });
    }

    const ahead = pulse.fresh === null ? null : Math.max(pulse.fresh, now);
    const late = pulse.fresh === null || pulse.fresh >= now ? null : pulse.fresh;
    const hasRunOut = pulse.lease !== null && pulse.lease < now;
    const lost = hasRunOut && clock.monotonic() >= noTakeOverBefore ? pulse.lease : null;
    // What can still be punctual comes first: a host's hundred thousand that are late already must not make others late.
    const isAheadLeft = isTimeToLookAhead() && (await claimAhead(ahead, freshTo));
    const isLateLeft = await claimLate({ lost, late, backlog: pulse.backlog }, { now, freshFrom });
    left = { ahead: isAheadLeft, late: isLateLeft };
    return left;
  }

  /** Passes follow one another at once while there is a backlog; for what is a second away, few of them are enough. */
  function isTimeToLookAhead(): boolean {
    const now = clock.monotonic();
    if (left.late && !left.ahead && now - lookedAheadAt < settings.pollIntervalMs / 2) return false;
    lookedAheadAt = now;
    return true;
  }

  /**
   * The first of what is to come, and if they fill a batch, what comes after them: a crowd due in one instant must not
   * keep out those due a moment later.
   */
  async function claimAhead(first: number | null, wakeTo: number): Promise<boolean> {
    if (first === null) return false;
    const place = placeAhead();
    const room = holdings.room(place);
    const crowd = await claimTimers({ from: 'waiting', wakeFrom: first, wakeTo, place }, room);
    if (room > 0 && crowd.length < Math.min(settings.batchSize, room)) return false;
    const afterCrowd = crowd.reduce((last, { nextAttemptAt }) => Math.max(last, nextAttemptAt), first) + 1;
    await claimTimers({ from: 'waiting', wakeFrom: afterCrowd, wakeTo, place: 'ahead' }, holdings.roomBesideCrowd());
    return true;
  }

  /** What was perhaps sent by a replica that died is not sent again. */
  async function expireSends(firstLease: number, now: number): Promise<void> {
    const limit = settings.batchSize;
    const expired = await store.expireSends({ wakeFrom: firstLease, wakeTo: now - 1, limit, now });
    if (expired > 0) logger.warn({ timers: expired }, 'timer.outcome_unknown');
  }

  /** Of each kind from the first row that the pulse saw. Resolves to true when a batch was full or there was no room. */
  async function claimLate(
    first: { lost: number | null; late: number | null; backlog: number | null },
    { now, freshFrom }: { now: number; freshFrom: number },
  ): Promise<boolean> {
    const share = Math.ceil(holdings.room('late') * LATE_SHARE);
    const forBacklog = first.backlog === null ? 0 : share;
    const forLate = forBacklog + (first.late === null ? 0 : share);
    if (first.lost !== null) await expireSends(first.lost, now);
    return [
      await claimFrom(first.lost, { from: 'executing', wakeTo: now - 1 }, holdings.room('late') - forLate),
      await claimFrom(first.late, { from: 'waiting', wakeTo: now - 1 }, holdings.room('late') - forBacklog),
      await claimFrom(first.backlog, { from: 'waiting', wakeTo: freshFrom - 1 }, holdings.room('late')),
    ].includes(true);
  }

  async function claimFrom(
    first: number | null,
    which: Pick<ClaimQuery, 'from' | 'wakeTo'>,
    room: number,
  ): Promise<boolean> {
    if (first === null) return false;
    const timers = await claimTimers({ ...which, wakeFrom: first, place: 'late' }, room);
    return timers.length >= Math.min(settings.batchSize, room);
  }

  async function claimTimers(
    { place, ...which }: Pick<ClaimQuery, 'from' | 'wakeFrom' | 'wakeTo'> & { place: Place },
    room: number,
  ): Promise<ClaimedTimer[]> {
    const limit = Math.min(settings.batchSize, room);
    if (limit <= 0 || which.wakeFrom > which.wakeTo) return [];
    const claimedAt = claimInstant(clock);
    const lease = newClaim(storeClock.now(), settings.leaseMs);
    try {
      const timers = await store.claim({ ...which, limit, ...lease });
      for (const timer of timers) hold({ timer, claimedAt, place }, which.from);
      return timers;
    } catch (error) {
      lostClaims.add(lease);
      throw error;
    }
  }

  function hold(held: HeldTimer, from: ClaimQuery['from']): void {
    const mine = holdings.get(held.timer.id);
    if (mine === undefined) return accept(held);
    if (recorder.isWriting(mine) || !isNextClaim(mine, held, from)) {
      // Its result is under the old claim. Once that is written, nobody would hold the row by its newest claim.
      mine.onceGone = () => hold(held, from);
      return;
    }
    // Our own row, whose lease ran out before its result could be recorded: from now on it is ours by the new claim.
    logger.warn({ id: held.timer.id }, 'timer.adopted');
    mine.timer.claimId = held.timer.claimId;
    mine.timer.fence = held.timer.fence;
    mine.claimedAt = held.claimedAt;
  }

  return { runOnce, holdTakeOver };
}

/**
 * Whether the row is just as our last claim left it. Of a row that waited, or that others had since, our result may be in
 * the store though we got no answer, and it may have been begun anew: that is another try, not this one.
 */
const isNextClaim = (mine: HeldTimer, held: HeldTimer, from: ClaimQuery['from']): boolean =>
  from === 'executing' && held.timer.fence === mine.timer.fence + 1;
