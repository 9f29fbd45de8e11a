import type { DestinationError, RecordedAttempt, Verdict } from '../timers/index.ts';
import { LONGEST_HAND_BACK_MS, type Prospects } from './attempt.ts';
import { createLaneLimit, type LaneLimit } from './lane-limit.ts';
import { createLaneQueue, type LaneQueue } from './lane-queue.ts';
import { createLaneStatistics, type LaneStatistics } from './lane-statistics.ts';

/** Where a timer goes: the lane of its action and destination, and how many of it may be in flight at once. */
export interface LaneIdentity {
  name: string;
  concurrency: number;
}

/** What one destination has waiting and in flight, and how it has been doing. */
export interface Lane {
  name: string;
  queue: LaneQueue;
  inFlight: number;
  limit: LaneLimit;
  statistics: LaneStatistics;
  /** What the last attempt that failed ended with. */
  lastError: DestinationError | null;
  /** Monotonic instants: of its making, and of the last that happened here. */
  madeAt: number;
  usedAt: number;
  /** Before this monotonic instant nothing may start, for the rate's sake. */
  notBefore: number;
  /** The line it stands in for a slot. */
  inLine: Tier | undefined;
}

/**
 * How far a lane is trusted with slots. Hosts seen to work may use all of them; those nothing is known of share some, and
 * those that fail share fewer, so that any number of dead hosts leaves most slots to the living.
 */
export type Tier = 'proven' | 'new' | 'suspect';

export function createLane({ name, cap, now }: { name: string; cap: number; now: number }): Lane {
  return {
    name,
    queue: createLaneQueue(),
    inFlight: 0,
    limit: createLaneLimit({ cap }),
    statistics: createLaneStatistics(),
    lastError: null,
    madeAt: now,
    usedAt: now,
    notBefore: -Infinity,
    inLine: undefined,
  };
}

export function tierOf(lane: Lane, now: number): Tier {
  if (lane.limit.isProven(now)) return 'proven';
  return lane.limit.isSuspect() ? 'suspect' : 'new';
}

/** Whether one of the lane's timers may start at once, as far as the lane itself goes. */
export const isReady = (lane: Lane, now: number): boolean =>
  lane.queue.length > 0 && now >= lane.notBefore && lane.limit.allows(lane.inFlight, now);

/** When a lane that has something queued but may not start it should be looked at again; undefined: when something ends. */
export function retryAt(lane: Lane, now: number): number | undefined {
  const at = Math.max(lane.notBefore, lane.inFlight === 0 ? lane.limit.probeAt : -Infinity);
  return lane.queue.length > 0 && at > now ? at : undefined;
}

/** For this long a lane that was just made may hold whatever comes: its host may well be a fast one. Milliseconds. */
export const FIRST_IMPRESSION_MS = 250;
/** Timers a lane may keep waiting while nothing has been heard of its host, and while it fails. */
const NEW_QUEUE = 500;
const SUSPECT_QUEUE = 100;
/** A host that works may have as many waiting as it takes in this time, and some more. Milliseconds. */
const PROVEN_QUEUE_MS = 5000;
const PROVEN_QUEUE_LEAST = 100;

/** How many timers may queue here; more would keep places from other hosts. */
export function queueAllowance(lane: Lane, now: number): number {
  const tier = tierOf(lane, now);
  if (tier === 'new' && now - lane.madeAt < FIRST_IMPRESSION_MS) return Infinity;
  if (tier !== 'proven') return tier === 'new' ? NEW_QUEUE : SUSPECT_QUEUE;
  const perMs = lane.limit.value / Math.max(lane.statistics.meanDurationMs, 1);
  return Math.max(PROVEN_QUEUE_LEAST, perMs * PROVEN_QUEUE_MS);
}

/** How long at most a timer that the lane cannot send in time is left alone, by what is known of its host. Milliseconds. */
const LONGEST_BY_TIER_MS: Record<Tier, number> = { proven: 1000, new: 10_000, suspect: LONGEST_HAND_BACK_MS };
const ANSWERS_PER_HAND_BACK = 10;

/** A host that works is soon free again, after some of its answers; one that does not is looked at more and more seldom. */
export function prospectsOf(lane: Lane, now: number): Prospects {
  const tier = tierOf(lane, now);
  const answersMs = tier === 'proven' ? lane.statistics.meanDurationMs * ANSWERS_PER_HAND_BACK : 0;
  return { longestMs: Math.max(LONGEST_BY_TIER_MS[tier], answersMs), silentForMs: lane.limit.silentForMs(now) };
}

export function settle(lane: Lane, verdict: Verdict, attempt: { startedAt: number; endedAt: number }): void {
  lane.inFlight -= 1;
  lane.usedAt = attempt.endedAt;
  lane.limit.ended(verdict, attempt);
  if (verdict !== 'inconclusive') lane.statistics.add(verdict, attempt.endedAt - attempt.startedAt, attempt.endedAt);
}

/** Keeps of an attempt what is told to those who ask about its host. */
export function note(lane: Lane, attempt: RecordedAttempt, now: number): void {
  const { errorCode: code, errorMessage, firedAt, durationMs, latenessMs, number } = attempt;
  if (code !== null) {
    lane.lastError = { code, message: (errorMessage ?? code).slice(0, MESSAGE_CHARACTERS), at: firedAt + durationMs };
  }
  // A later attempt bears the lateness of the first once more.
  if (number === 1) lane.statistics.addLateness(latenessMs, now);
}

const MESSAGE_CHARACTERS = 200;
