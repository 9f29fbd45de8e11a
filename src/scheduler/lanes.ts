import type { Clock } from '../platform/index.ts';
import type { Verdict } from '../timers/index.ts';
import type { HeldTimer } from './held-timer.ts';
import {
  createLane,
  isReady,
  queueAllowance,
  retryAt,
  settle,
  tierOf,
  type Lane,
  type LaneIdentity,
  type Tier,
} from './lane.ts';

/** Share of all slots that hosts without a recent success have among them, and of that, hosts seen to fail. */
const SLOTS: Record<Tier, number> = { proven: 1, new: 1 / 4, suspect: 1 / 8 };
/** Slots kept for whoever comes next: beyond this share of all, a lane gets no more than its even part. */
const FREE_FOR_ALL = 3 / 4;
/** A lane that has not been used for this long is forgotten. */
const FORGET_MS = 600_000;
/** Probes and turns that fall due together are looked at together. */
const LEAST_WAKE_MS = 10;

/**
 * One lane per destination: its due timers queue here for a slot. Lanes take turns, so that one host's hundred thousand do
 * not hold back another's ten; and a host that answers slowly or not at all holds few slots, so that it delays nobody else.
 */
export interface Lanes {
  /**
   * The timer is due: it starts now, or as soon as its lane and the replica have a free slot. One of the backlog lets those
   * of its lane go first that are due only now.
   */
  enqueue(held: HeldTimer, lane: LaneIdentity, isBacklog: boolean): void;
  /** The lane of that name, if its host fails and its queue is full. */
  crowded(name: string): Lane | undefined;
  /** Takes out the queued timers of which this is so. */
  takeOut(isUnwanted: (held: HeldTimer) => boolean): Queued[];
  /** Takes out what lanes hold beyond what they will soon be able to send: those whose turn would come last. */
  takeSurplus(): Queued[];
  /** What is known of hosts that have not been called for long goes. */
  forgetUnused(): void;
  all(): Iterable<Lane>;
  readonly queued: number;
  readonly inFlight: number;
}

export interface Queued {
  held: HeldTimer;
  lane: Lane;
}

/** `start` performs one attempt to its end, tells what it showed of the host, and never rejects. */
export function createLanes(deps: {
  maxConcurrency: number;
  /** Attempts that may begin per second in one lane; null for no limit. */
  maxRatePerLane: number | null;
  clock: Clock;
  start: (held: HeldTimer, lane: Lane) => Promise<Verdict>;
}): Lanes {
  const { maxConcurrency, maxRatePerLane, clock, start } = deps;
  const lanes = new Map<string, Lane>();
  const lines: Record<Tier, Lane[]> = { proven: [], new: [], suspect: [] };
  const slotsTaken: Record<Tier, number> = { proven: 0, new: 0, suspect: 0 };
  let busy = 0;
  let queued = 0;
  let inFlight = 0;
  let wakeAt = Infinity;
  let cancelWake = () => {};

  /** Returns whether it stands in a line now. */
  function standInLine(lane: Lane, now: number): boolean {
    if (lane.inLine !== undefined) return true;
    if (lane.queue.length === 0) return false;
    if (!isReady(lane, now)) {
      wakeUpAt(retryAt(lane, now), now);
      return false;
    }
    lane.inLine = tierOf(lane, now);
    lines[lane.inLine].push(lane);
    return true;
  }

  /** For what no ending attempt will bring about: the next probe, the next turn of a rate. */
  function wakeUpAt(at: number | undefined, now: number): void {
    if (at === undefined || at >= wakeAt) return;
    cancelWake();
    wakeAt = Math.max(at, now + LEAST_WAKE_MS);
    cancelWake = clock.after(wakeAt - now, () => {
      wakeAt = Infinity;
      const later = clock.monotonic();
      for (const lane of lanes.values()) standInLine(lane, later);
      fillSlots(later);
    });
  }

  /** One from each line in turn, as long as any may start or changes lines. */
  function fillSlots(now: number): void {
    const startNext = (tier: Tier) => startFrom(tier, now);
    while ([startNext('proven'), startNext('new'), startNext('suspect')].some(Boolean));
  }

  function startFrom(tier: Tier, now: number): boolean {
    const slots = Math.max(Math.floor(maxConcurrency * SLOTS[tier]), 1);
    for (let looks = lines[tier].length; looks > 0; looks--) {
      if (inFlight >= maxConcurrency || slotsTaken[tier] >= slots) return false;
      const lane = lines[tier].shift();
      if (lane === undefined) return false;
      lane.inLine = undefined;
      if (isReady(lane, now) && tierOf(lane, now) === tier && mayTakeAnother(lane)) {
        run(lane, tier, now);
        standInLine(lane, now);
        return true;
      }
      if (!mayTakeAnother(lane)) {
        lane.inLine = tier;
        lines[tier].push(lane);
      } else if (standInLine(lane, now)) {
        // Its host is trusted more, or less, than when it came: it has changed lines, and this round is past the other one.
        return true;
      }
    }
    return false;
  }

  const mayTakeAnother = (lane: Lane) =>
    inFlight < maxConcurrency * FREE_FOR_ALL || lane.inFlight < maxConcurrency / Math.max(busy, 1);

  function run(lane: Lane, tier: Tier, now: number): void {
    const held = lane.queue.shift();
    if (held === undefined) return;
    if (maxRatePerLane !== null) lane.notBefore = Math.max(now, lane.notBefore) + 1000 / maxRatePerLane;
    queued -= 1;
    inFlight += 1;
    slotsTaken[tier] += 1;
    if (lane.inFlight++ === 0) busy += 1;
    void start(held, lane).then((verdict) => {
      const endedAt = clock.monotonic();
      inFlight -= 1;
      slotsTaken[tier] -= 1;
      settle(lane, verdict, { startedAt: now, endedAt });
      if (lane.inFlight === 0) busy -= 1;
      standInLine(lane, endedAt);
      fillSlots(endedAt);
    });
  }

  function laneOf({ name, concurrency }: LaneIdentity, now: number): Lane {
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = createLane({ name, cap: concurrency, now });
      lanes.set(name, lane);
    }
    return lane;
  }

  function takeFromQueues(takeFrom: (lane: Lane) => HeldTimer[]): Queued[] {
    const taken: Queued[] = [];
    for (const lane of lanes.values()) {
      if (lane.queue.length > 0) taken.push(...takeFrom(lane).map((held) => ({ held, lane })));
    }
    queued -= taken.length;
    return taken;
  }

  return {
    enqueue(held, identity, isBacklog) {
      const now = clock.monotonic();
      const lane = laneOf(identity, now);
      lane.usedAt = now;
      lane.queue.push(held, isBacklog);
      queued += 1;
      standInLine(lane, now);
      fillSlots(now);
    },
    crowded(name) {
      const lane = lanes.get(name);
      if (lane === undefined || !lane.limit.isSuspect()) return undefined;
      return lane.queue.length >= queueAllowance(lane, clock.monotonic()) ? lane : undefined;
    },
    takeOut: (isUnwanted) => takeFromQueues(({ queue }) => queue.takeOut(isUnwanted)),
    takeSurplus() {
      const now = clock.monotonic();
      return takeFromQueues((lane) => {
        const allowance = queueAllowance(lane, now);
        return lane.queue.length <= allowance ? [] : lane.queue.takeOut((_held, place) => place >= allowance);
      });
    },
    forgetUnused() {
      const now = clock.monotonic();
      for (const lane of lanes.values()) {
        const isIdle = lane.queue.length === 0 && lane.inFlight === 0;
        if (isIdle && now - lane.usedAt > FORGET_MS) lanes.delete(lane.name);
      }
    },
    all: () => lanes.values(),
    get queued() {
      return queued;
    },
    get inFlight() {
      return inFlight;
    },
  };
}
