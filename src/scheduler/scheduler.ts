import type { Clock, Logger, RemoteClock, Service } from '../platform/index.ts';
import type { Action, ShortTimers, TimerStore, Verdict } from '../timers/index.ts';
import { createAttempts, unsent } from './attempt.ts';
import { createDestinations } from './destinations.ts';
import { createDueQueue, type Due } from './due-queue.ts';
import type { HeldTimer, Place } from './held-timer.ts';
import { createHoldings } from './holdings.ts';
import { createLaneClearing } from './lane-clearing.ts';
import { note, prospectsOf, type Lane, type LaneIdentity } from './lane.ts';
import { createLanes } from './lanes.ts';
import { createLargeBodies } from './large-bodies.ts';
import { createLoop } from './loop.ts';
import { createLostClaims } from './lost-claims.ts';
import { createPass, FRESH_MS, type Left } from './pass.ts';
import { createRecorder, type Result } from './recorder.ts';
import { createSendMarks } from './send-marks.ts';
import type { SchedulerSettings } from './settings.ts';
import { createShortTimers } from './short-timers.ts';

/** Beyond this many unwritten results no more is claimed: what cannot be recorded would be sent again by others. */
const MAX_UNRECORDED = 2000;
/** A scheduler whose last good pass is older than this is not ready. */
const BEAT_MS = 5000;
/** Most time a stop gives to what is due soon, to attempts in flight, and then to recording what they came to. */
const STOP_RUN_DRY_MS = 5000;
const STOP_IN_FLIGHT_MS = 12_000;
const STOP_ABORTED_MS = 1000;
const STOP_RECORDING_MS = 5000;
const STOP_CHECK_MS = 5;

export interface Scheduler extends Service, ShortTimers {
  /** One pass, now. The loop around it calls nothing else. Resolves to whether there is more to claim, and room for it. */
  runOnce(): Promise<boolean>;
  /** Whether passes succeed. */
  isBeating(): boolean;
  /** Timers held, and those of them that are due and wait for a slot, are being called, or whose result is not written. */
  load(): { held: number; queued: number; inFlight: number; unrecorded: number };
}

/**
 * Claims due timers, releases each at its millisecond, performs its action and records the outcome. It knows actions by
 * their names and lanes, no more; and polling is the truth, every wake-up a hint.
 */
export function createScheduler(deps: {
  store: Pick<
    TimerStore,
    | 'pulse'
    | 'claim'
    | 'releaseClaim'
    | 'readBody'
    | 'markSends'
    | 'expireSends'
    | 'record'
    | 'publishDestinations'
    | 'forgetDestinations'
  >;
  storeClock: RemoteClock;
  clock: Clock;
  actions: Action[];
  /** Name of the action whose lanes are hosts, which are told of as destinations. */
  destinationsOf: string;
  random: () => number;
  logger: Logger;
  /** Told of every result, when it is known; the store has it soon after. */
  onResult?: (action: string, result: Result) => void;
  settings: SchedulerSettings;
}): Scheduler {
  const { store, storeClock, clock, random, logger, onResult, settings } = deps;
  const actions = new Map(deps.actions.map((action) => [action.name, action]));
  const aborter = new AbortController();
  const holdings = createHoldings();
  const lostClaims = createLostClaims({ store });
  const largeBodies = createLargeBodies({ store, holdings });
  const sendMarks = createSendMarks({ store });
  const attempts = createAttempts({ actions, storeClock, largeBodies, sendMarks, clock, random, logger, settings });
  const recorder = createRecorder({
    store,
    holdings,
    storeClock,
    clock,
    logger,
    onStoreError: () => pass.holdTakeOver(),
  });
  const { maxConcurrency, maxRatePerLane } = settings;
  const lanes = createLanes({ maxConcurrency, maxRatePerLane, clock, start: attempt });
  const clearing = createLaneClearing({ lanes, attempts, clock, record });
  const destinations = createDestinations({ lanes, action: deps.destinationsOf, store, storeClock, clock, logger });
  const dueQueue = createDueQueue({ clock, storeClock, release });
  const pass = createPass({
    store,
    storeClock,
    clock,
    holdings,
    placeAhead,
    lostClaims,
    recorder,
    accept,
    logger,
    settings,
  });
  const shortTimers = createShortTimers({ storeClock, clock, holdings, lostClaims, accept, isOpen, settings });
  const loop = createLoop({ pass: runOnce, intervalMs: settings.pollIntervalMs, clock, random, onError: passFailed });
  let lastBeat: number | undefined;
  /** By the last pass, to be claimed as soon as there is room for a batch: claims of one row each would cost too much. */
  let left: Left = { ahead: false, late: false };
  let stopping: Promise<void> | undefined;
  /** At a stop, once all that was held unsent was given up: from then on nothing more is sent. */
  let sendsNoMore = false;

  holdings.onRoom(() => {
    if (isRoomForMore()) loop.wakeUp();
  });

  const isRoomForMore = () =>
    (left.ahead && holdings.room(placeAhead()) >= settings.batchSize) ||
    (left.late && holdings.room('late') >= settings.batchSize);

  /** What is to come takes the places for idle times first, while all that is held waits for its instant. */
  function placeAhead(): Place {
    const isIdle = dueQueue.size === holdings.size;
    return isIdle && holdings.room('idle') >= settings.batchSize ? 'idle' : 'ahead';
  }

  function isOpen(): boolean {
    return lastBeat !== undefined && stopping === undefined && recorder.pending < MAX_UNRECORDED;
  }

  async function runOnce(): Promise<boolean> {
    clearing.clear();
    if (recorder.pending >= MAX_UNRECORDED) return false;
    left = { ahead: false, late: false };
    left = await pass.runOnce();
    lastBeat = clock.monotonic();
    return isRoomForMore();
  }

  function passFailed(error: unknown, failures: number): void {
    pass.holdTakeOver();
    logger.error({ err: error, failures }, 'pass.failed');
  }

  /** A timer that has just become ours. Its lane may be known to be of no use for it; then it need not wait to be told. */
  function accept(held: HeldTimer): void {
    holdings.add(held);
    if (sendsNoMore) return record(held, attempts.handBack(held));
    const lane = laneOf(held);
    const crowded = lane && lanes.crowded(lane.name);
    if (lane === undefined) record(held, attempts.handBackLater(held));
    else if (crowded === undefined) {
      dueQueue.push({ held, lane });
      if (held.place !== 'late') actions.get(held.timer.action)?.prepare?.(held.timer);
    } else record(held, attempts.handBackLater(held, prospectsOf(crowded, clock.monotonic())));
  }

  function laneOf({ timer }: HeldTimer): LaneIdentity | undefined {
    const action = actions.get(timer.action);
    return action && { name: `${action.name} ${action.laneOf(timer)}`, concurrency: action.concurrency };
  }

  function release({ held, lane }: Due): void {
    lanes.enqueue(held, lane, storeClock.now() - held.timer.nextAttemptAt > FRESH_MS);
    clearing.clearSoon();
  }

  async function attempt(held: HeldTimer, lane: Lane): Promise<Verdict> {
    const refusal = attempts.refusalOf(held);
    const { result, verdict } = refusal === undefined ? await attempts.perform(held, aborter.signal) : unsent(refusal);
    if (result.attempt !== null) note(lane, result.attempt, clock.monotonic());
    record(held, result);
    return verdict;
  }

  function record(held: HeldTimer, result: Result): void {
    if (result.attempt === null) {
      const { status, reason } = result;
      // Of all reasons the one that tells of a fault of ours, or of the database.
      const level = reason === 'lost_repeatedly' ? 'warn' : 'debug';
      logger[level]({ id: held.timer.id, status, reason }, 'timer.not_sent');
    }
    onResult?.(held.timer.action, result);
    recorder.add(held, result);
  }

  /** What is claimed runs dry, what is in flight ends, the rest is handed back, everything is recorded. */
  async function drain(): Promise<void> {
    const destinationsForgotten = destinations.stop();
    await loop.stop();
    const runDryMs = Math.min(settings.lookaheadMs, STOP_RUN_DRY_MS);
    await until(() => dueQueue.size === 0 && lanes.inFlight === 0 && lanes.queued === 0, runDryMs);
    sendsNoMore = true;
    const unsent = [...dueQueue.drain(), ...lanes.takeOut(() => true)];
    for (const { held } of unsent) record(held, attempts.handBack(held));
    await until(() => lanes.inFlight === 0, STOP_IN_FLIGHT_MS);
    aborter.abort();
    await until(() => lanes.inFlight === 0, STOP_ABORTED_MS);
    const recorded = await recorder.flushed(STOP_RECORDING_MS);
    await lostClaims.settle(storeClock.now()).catch((error: unknown) => {
      logger.warn({ err: error, claims: lostClaims.size }, 'scheduler.claims_left');
    });
    if (!recorded) logger.error({ results: recorder.pending }, 'scheduler.results_left');
    await destinationsForgotten;
  }

  async function until(isSo: () => boolean, withinMs: number): Promise<void> {
    const deadline = clock.monotonic() + withinMs;
    while (!isSo() && clock.monotonic() < deadline) {
      await new Promise<void>((resolve) => clock.after(STOP_CHECK_MS, resolve));
    }
  }

  return {
    reserve: (nextAttemptAt, bodyBytes) => shortTimers.reserve(nextAttemptAt, bodyBytes),
    runOnce,
    isBeating: () => lastBeat !== undefined && clock.monotonic() - lastBeat < BEAT_MS,
    load: () => ({
      held: holdings.size,
      queued: lanes.queued,
      inFlight: lanes.inFlight,
      unrecorded: recorder.pending,
    }),
    start() {
      loop.start();
      return destinations.start();
    },
    stop: () => (stopping ??= drain()),
  };
}
