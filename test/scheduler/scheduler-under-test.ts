import { pino } from 'pino';
import { createRemoteClock } from '../../src/platform/index.ts';
import { createScheduler, type Scheduler, type SchedulerSettings } from '../../src/scheduler/index.ts';
import type { Action, ClaimedTimer, Outcome, Timer, TimerStore } from '../../src/timers/index.ts';
import { openEmptySqlite } from '../support/emptied-sqlite.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { schedulerSettings } from '../support/scheduler-settings.ts';

export const delivered = { kind: 'delivered', error: null, httpStatus: 200, answer: 'ok' } satisfies Outcome;
export const unavailable = {
  kind: 'retry',
  error: { code: 'http_503', message: 'The receiver answered 503.' },
  verdict: 'overloaded',
  httpStatus: 503,
  answer: null,
  retryAfterMs: null,
  maybeSent: true,
} satisfies Outcome;
export const unanswered = {
  ...unavailable,
  error: { code: 'timeout', message: 'Timed out waiting for the answer.' },
  verdict: 'unreachable',
  httpStatus: null,
} satisfies Outcome;

/** One attempt as the receiver would see it. */
export interface Call {
  timer: ClaimedTimer;
  at: number;
  answer: (outcome: Outcome) => void;
  isOurs: () => boolean;
}

export interface Rig {
  clock: ManualClock;
  store: TimerStore;
  scheduler: Scheduler;
  calls: Call[];
  /** Ids of the timers that the action was told of ahead. */
  prepared: string[];
  /** Lets time pass in small steps and lets what it set off come to rest. */
  pass(ms: number): Promise<void>;
  timer(id: string): Promise<Timer>;
  close(): Promise<void>;
}

/** Events told by the log, the latest last. */
export const events: string[] = [];

/**
 * The scheduler on a real store (SQLite in memory) and a clock turned by hand, with an action that tells what it was asked
 * to perform. `reply` answers at once; without it the test answers each call itself.
 */
export async function createRig(over: {
  settings?: Partial<SchedulerSettings>;
  store?: (store: TimerStore) => TimerStore;
  reply?: (timer: ClaimedTimer) => Outcome | undefined;
  deadlineMs?: number;
}): Promise<Rig> {
  const clock = createManualClock();
  const inner = await openEmptySqlite({ clock });
  const store = over.store?.(inner) ?? inner;
  const storeClock = createRemoteClock({ clock });
  storeClock.observe(clock.now());
  const calls: Call[] = [];
  const prepared: string[] = [];
  let closing = false;
  const action: Action = {
    name: 'webhook',
    laneOf: ({ url }) => new URL(url).host,
    concurrency: 128,
    deadlineMs: () => over.deadlineMs ?? 10_000,
    prepare: ({ id }) => void prepared.push(id),
    perform: (timer, _signal, isOurs) =>
      new Promise((resolve) => {
        calls.push({ timer, at: clock.now(), answer: resolve, isOurs });
        const reply = closing ? delivered : over.reply?.(timer);
        if (reply !== undefined) resolve(reply);
      }),
  };
  events.length = 0;
  const logger = pino(
    { level: 'debug' },
    { write: (line: string) => events.push((JSON.parse(line) as { msg: string }).msg) },
  );
  const scheduler = createScheduler({
    store,
    storeClock,
    clock,
    actions: [action],
    destinationsOf: 'webhook',
    random: () => 0.5,
    logger,
    settings: { ...schedulerSettings, ...over.settings },
  });
  return {
    clock,
    store,
    scheduler,
    calls,
    prepared,
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 50) {
        clock.advance(Math.min(50, ms - passed));
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async timer(id) {
      const timer = await inner.find(id);
      if (timer === undefined) throw new Error('the timer is gone');
      return timer;
    },
    async close() {
      closing = true;
      for (const call of calls) call.answer(delivered);
      await inner.close();
    },
  };
}

/** For a rig whose store writes the first results at once, but says so only when it is let. */
export function heldBackAnswer() {
  let letAnswer: (() => void) | undefined;
  return {
    store: (store: TimerStore): TimerStore => ({
      ...store,
      async record(results) {
        const lost = await store.record(results);
        if (letAnswer === undefined) await new Promise<void>((resolve) => (letAnswer = resolve));
        return lost;
      },
    }),
    isWritten: () => letAnswer !== undefined,
    answer: () => letAnswer?.(),
  };
}
