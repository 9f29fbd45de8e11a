import type { Clock, Logger } from '../platform/index.ts';
import {
  retryDelayMs,
  type Action,
  type AttemptError,
  type AttemptOutcome,
  type RecordedAttempt,
  type Verdict,
} from '../timers/index.ts';
import { leaseCovers, type HeldTimer } from './held-timer.ts';
import type { Result } from './recorder.ts';
import type { LargeBodies } from './large-bodies.ts';
import type { SendMarks } from './send-marks.ts';
import type { SchedulerSettings } from './settings.ts';

/** A timer whose lease was lost this often without an outcome would otherwise take down replica after replica. */
const MAX_LEASES_LOST = 5;
/** How long a timer that could not be sent in time is left alone at first, and in the end; milliseconds. */
const FIRST_HAND_BACK_MS = 4000;
export const LONGEST_HAND_BACK_MS = 300_000;
/**
 * No timer is given up before its host has been seen not to answer for this long, or for as long as timers are given, however
 * late it is itself.
 */
const LEAST_SILENCE_MS = 3_600_000;
/**
 * Of the time that a timer is of use, on average: it must come again before that is over, also after it was handed back some
 * times.
 */
const LONGEST_HAND_BACK_SHARE = 1 / 20;

/** Turns a due timer into a result: by performing its action once, or by finding that it must not or cannot be performed. */
export interface Attempts {
  /** Why the timer is not to be performed here and now; undefined when it may be sent. */
  refusalOf(held: HeldTimer): Result | undefined;
  perform(held: HeldTimer, signal: AbortSignal): Promise<Performed>;
  /** Back to waiting, to be found again at its own instant, or now if that has passed. */
  handBack(held: HeldTimer): Result;
  /**
   * Back to waiting for a while that grows with its age up to about `longestMs` (five minutes), so that a dead host costs few
   * touches per timer; one that expires for about a twentieth of that time at most. Given up where its host does not answer: a
   * timer may be late because all was down, and then it is still to be tried.
   */
  handBackLater(held: HeldTimer, prospects?: Prospects): Result;
}

/** What a timer can expect of its host: to be sent within the first, by what was seen there for the second. Milliseconds. */
export interface Prospects {
  longestMs: number;
  silentForMs: number;
}

/** What we had nothing left for is looked at again about this much later. */
const NOT_BEGUN_MS = 1000;
const NOT_BEGUN_TOLD_EVERY_MS = 1000;

const NO_PROSPECTS: Prospects = { longestMs: LONGEST_HAND_BACK_MS, silentForMs: 0 };

/** What is to be recorded of a timer, and what was seen of its destination meanwhile. */
export interface Performed {
  result: Result;
  verdict: Verdict;
}

export const unsent = (result: Result): Performed => ({ result, verdict: 'inconclusive' });

export function createAttempts(deps: {
  actions: ReadonlyMap<string, Action>;
  storeClock: { now(): number };
  largeBodies: LargeBodies;
  sendMarks: SendMarks;
  clock: Clock;
  random: () => number;
  logger: Logger;
  settings: SchedulerSettings;
}): Attempts {
  const { actions, storeClock, largeBodies, sendMarks, clock, random, logger, settings } = deps;
  let notBegunToldAt = -Infinity;

  function refusalOf(held: HeldTimer): Result | undefined {
    const { timer } = held;
    const action = actions.get(timer.action);
    // Another replica may know the action: a rolling upgrade must not fail its timers.
    if (action === undefined) return handBackLater(held);
    if (timer.lost >= MAX_LEASES_LOST) return failed('lost_repeatedly');
    if (timer.expiresAfterMs !== null && storeClock.now() > timer.dueAt + timer.expiresAfterMs)
      return failed('expired');
    const attemptMs = action.deadlineMs(timer);
    return leaseCovers(held, { attemptMs, leaseMs: settings.leaseMs, clock }) ? undefined : handBack(held);
  }

  async function perform(held: HeldTimer, signal: AbortSignal): Promise<Performed> {
    const { timer } = held;
    const action = actions.get(timer.action);
    if (action === undefined) return unsent(handBackLater(held));
    const unread = largeBodies.isMissing(held) ? await readBody(held) : undefined;
    if (unread !== undefined) return unsent(unread);
    const obstacle = timer.delivery === 'at_most_once' ? await markSend(held) : undefined;
    if (obstacle !== undefined) return unsent(obstacle);
    const { fence, run } = timer;
    const startedAt = storeClock.now();
    const startedMonotonic = clock.monotonic();
    const isOurs = () => leaseCovers(held, { attemptMs: 0, leaseMs: settings.leaseMs, clock });
    const outcome = await action.perform(timer, signal, isOurs);
    if (outcome.kind === 'not_begun') return unsent(notBegun(held, outcome.error));
    const attempt: RecordedAttempt = {
      firedAt: Math.floor(startedAt),
      latenessMs: timer.latenessMs ?? Math.max(Math.floor(startedAt - Math.max(timer.dueAt, timer.createdAt)), 0),
      durationMs: Math.round(clock.monotonic() - startedMonotonic),
      httpStatus: outcome.httpStatus,
      errorCode: outcome.error?.code ?? null,
      errorMessage: outcome.error?.message ?? null,
      answer: outcome.answer,
      run,
      number: timer.attempts + 1,
      fence,
    };
    const result = resultOf(held, outcome, attempt);
    log(held, action, attempt, result, outcome.error);
    return { result, verdict: outcome.kind === 'delivered' ? 'delivered' : outcome.verdict };
  }

  /** Whoever watches the log is told, though not of each: there may be thousands. */
  function notBegun(held: HeldTimer, error: AttemptError): Result {
    if (clock.monotonic() - notBegunToldAt >= NOT_BEGUN_TOLD_EVERY_MS) {
      notBegunToldAt = clock.monotonic();
      logger.error({ id: held.timer.id, error: error.code, message: error.message }, 'timer.not_begun');
    }
    return handBackLater(held, { longestMs: NOT_BEGUN_MS, silentForMs: 0 });
  }

  /** Where the claim is lost, the result is too: the store takes none under it. */
  async function readBody(held: HeldTimer): Promise<Result | undefined> {
    try {
      return (await largeBodies.read(held)) ? refusalOf(held) : handBack(held);
    } catch (error) {
      logger.warn({ err: error, id: held.timer.id }, 'timer.body_unread');
      return handBackLater(held);
    }
  }

  /** Nothing goes out before the mark is committed. Without one, the row is provably unsent and waits again. */
  async function markSend(held: HeldTimer): Promise<Result | undefined> {
    try {
      const ours = await sendMarks.mark(held, Math.floor(storeClock.now()));
      return ours ? refusalOf(held) : handBackLater(held);
    } catch (error) {
      logger.warn({ err: error, id: held.timer.id }, 'timer.not_marked');
      return handBackLater(held);
    }
  }

  function resultOf({ timer }: HeldTimer, outcome: AttemptOutcome, attempt: RecordedAttempt): Result {
    if (outcome.kind === 'delivered') return finished('done', null, attempt);
    if (outcome.kind === 'rejected') return finished('failed', outcome.reason, attempt);
    if (timer.delivery === 'at_most_once') {
      return outcome.maybeSent && outcome.httpStatus === null
        ? finished('unknown', null, attempt)
        : finished('failed', 'attempts_exhausted', attempt);
    }
    if (attempt.number >= timer.maxAttempts) return finished('failed', 'attempts_exhausted', attempt);
    const { retryAfterMs } = outcome;
    const delayMs = retryDelayMs({ attempt: attempt.number, plan: timer.retry, retryAfterMs, random });
    return waiting(Math.ceil(storeClock.now()) + delayMs, attempt);
  }

  function handBack({ timer }: HeldTimer): Result {
    return waiting(Math.max(timer.nextAttemptAt, Math.ceil(storeClock.now())), null);
  }

  /** About as long again as it has waited already, spread so that what came back together does not come again together. */
  function handBackLater(held: HeldTimer, { longestMs, silentForMs } = NO_PROSPECTS): Result {
    const now = storeClock.now();
    const { dueAt, expiresAfterMs } = held.timer;
    const ageMs = now - dueAt;
    const isGone = silentForMs > Math.min(settings.giveUpAfterMs, LEAST_SILENCE_MS);
    if (isGone && ageMs > settings.giveUpAfterMs) return failed('undeliverable');
    const mostMs = Math.min(longestMs, (expiresAfterMs ?? Infinity) * LONGEST_HAND_BACK_SHARE);
    const delayMs = Math.min(Math.max(ageMs, FIRST_HAND_BACK_MS), mostMs) * (0.5 + random());
    return waiting(Math.ceil(now + delayMs), null);
  }

  function failed(reason: NonNullable<Result['reason']>): Result {
    return finished('failed', reason, null);
  }

  function finished(
    status: 'done' | 'failed' | 'unknown',
    reason: Result['reason'],
    attempt: RecordedAttempt | null,
  ): Result {
    const now = Math.floor(storeClock.now());
    return { status, reason, wakeAt: now, nextAttemptAt: now, attempt };
  }

  function waiting(at: number, attempt: RecordedAttempt | null): Result {
    return { status: 'waiting', reason: null, wakeAt: at, nextAttemptAt: at, attempt };
  }

  function log(held: HeldTimer, action: Action, attempt: RecordedAttempt, result: Result, error: AttemptError | null) {
    const { timer } = held;
    // As with requests: at thousands a second a line for everything that went well would cost more than the call.
    const level = result.status === 'done' ? 'debug' : 'info';
    if (!logger.isLevelEnabled(level)) return;
    logger[level](
      {
        id: timer.id,
        host: action.laneOf(timer),
        attempt: attempt.number,
        lateness_ms: attempt.latenessMs,
        duration_ms: attempt.durationMs,
        http_status: attempt.httpStatus,
        status: result.status,
        ...(result.reason === null ? {} : { reason: result.reason }),
        ...(error === null ? {} : { error: error.code }),
      },
      'timer.fired',
    );
  }

  return {
    refusalOf,
    perform,
    handBack,
    handBackLater,
  };
}
