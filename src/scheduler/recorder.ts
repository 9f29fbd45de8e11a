import { systemClock, type Clock, type Logger } from '../platform/index.ts';
import { Refusal, type ClaimResult, type TimerStore } from '../timers/index.ts';
import type { HeldTimer } from './held-timer.ts';
import type { Holdings } from './holdings.ts';

const BATCH = 500;
/**
 * From the beginning of one write to that of the next, unless a batch is full before. A write costs as much as 15 timers,
 * and on few cores the server may run in our place for as long: at 500 timers a second, p99 was 4.6 ms with 20 here and 4.1
 * with 50, for two thirds of the server's time; 100 gave no more. What was answered within it goes out again after a crash.
 */
const LEAST_INTERVAL_MS = 50;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2000;

/** What became of a held timer. The claim is the timer's own: it may be adopted under a new one before this is written. */
export type Result = Omit<ClaimResult, 'id' | 'claimId'>;

/**
 * Writes results to the store. A lone one goes at once; those that follow within 50 ms, or while a batch is under way, are
 * gathered. What has happened is kept until it is written, however long the store is away.
 */
export interface Recorder {
  add(held: HeldTimer, result: Result): void;
  /** Whether its result is on its way to the store, by the claim that the timer has now. */
  isWriting(held: HeldTimer): boolean;
  /** Results not written yet. */
  readonly pending: number;
  /** Resolves when nothing is pending; false when that did not come about in time. */
  flushed(withinMs: number): Promise<boolean>;
}

interface Entry {
  held: HeldTimer;
  result: Result;
}

export function createRecorder(deps: {
  store: Pick<TimerStore, 'record'>;
  holdings: Holdings;
  clock: Clock;
  logger: Logger;
  onStoreError: () => void;
  /** What the pace is kept by: real time, whatever the clock of the timers shows, as it spares the machine. */
  paceClock?: Pick<Clock, 'monotonic' | 'after'>;
}): Recorder {
  const { store, holdings, clock, logger, onStoreError, paceClock = systemClock } = deps;
  let gathered: Entry[] = [];
  let writing: Entry[] = [];
  let active = false;
  let waitMs = FIRST_WAIT_MS;
  let begunAt = -Infinity;
  let goOn = () => {};
  let isFlushing = false;
  let onEmpty = () => {};

  async function write(): Promise<void> {
    active = true;
    while (gathered.length > 0) {
      await gatherMore();
      begunAt = paceClock.monotonic();
      writing = gathered.slice(0, BATCH);
      gathered = gathered.slice(BATCH);
      try {
        await writeBatch(writing);
        waitMs = FIRST_WAIT_MS;
      } catch (error) {
        gathered = [...writing, ...gathered];
        writing = [];
        onStoreError();
        logger.warn({ err: error, pending: gathered.length, retry_in_ms: waitMs }, 'recorder.store_unavailable');
        await new Promise<void>((resolve) => clock.after(waitMs, resolve));
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
      writing = [];
    }
    active = false;
    onEmpty();
  }

  /** Until it is time for the next write, the batch is full, or somebody waits for it. */
  function gatherMore(): Promise<void> | undefined {
    const leftMs = begunAt + LEAST_INTERVAL_MS - paceClock.monotonic();
    if (leftMs <= 0 || gathered.length >= BATCH || isFlushing) return undefined;
    return new Promise((resolve) => {
      const cancel = paceClock.after(leftMs, resolve);
      goOn = () => {
        cancel();
        resolve();
      };
    });
  }

  async function writeBatch(entries: Entry[]): Promise<void> {
    const results = entries.map(({ held: { timer }, result }) => ({ id: timer.id, claimId: timer.claimId, ...result }));
    const lost = await recordOneByOneIfNeeded(results);
    for (const { held } of entries) holdings.remove(held.timer.id);
    for (const id of lost) logger.warn({ id }, 'timer.claim_lost');
  }

  /** A result that the store cannot take, whatever the reason, must not keep back the others for ever. */
  async function recordOneByOneIfNeeded(results: ClaimResult[]): Promise<string[]> {
    try {
      return await store.record(results);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      logger.error({ err: error, results: results.length }, 'recorder.batch_refused');
    }
    const lost: string[] = [];
    for (const result of results) {
      try {
        lost.push(...(await store.record([result])));
      } catch (error) {
        if (error instanceof Refusal) throw error;
        logger.error({ err: error, id: result.id }, 'timer.record_refused');
      }
    }
    return lost;
  }

  return {
    add(held, result) {
      gathered.push({ held, result });
      if (!active) void write();
      else if (gathered.length >= BATCH) goOn();
    },
    isWriting: (held) => writing.some((entry) => entry.held === held),
    get pending() {
      return gathered.length + writing.length;
    },
    async flushed(withinMs) {
      if (gathered.length + writing.length === 0) return true;
      isFlushing = true;
      goOn();
      return new Promise((resolve) => {
        const cancel = clock.after(withinMs, () => resolve(false));
        onEmpty = () => {
          cancel();
          resolve(true);
        };
      });
    },
  };
}
