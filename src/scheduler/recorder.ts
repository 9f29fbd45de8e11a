import { createPause, systemClock, type Clock, type Logger } from '../platform/index.ts';
import { BadValue, Refusal, type ClaimResult, type TimerStore } from '../timers/index.ts';
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
 * gathered. What has happened is kept until it is written, however long the store is away; only what fits no column is
 * dropped.
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
  storeClock: { now(): number };
  clock: Clock;
  logger: Logger;
  onStoreError: () => void;
  /** Clock of the pause between writes. Real time, whatever the clock of the timers shows: the pause spares the machine. */
  paceClock?: Pick<Clock, 'monotonic' | 'after'>;
}): Recorder {
  const { store, holdings, storeClock, clock, logger, onStoreError, paceClock = systemClock } = deps;
  let gathered: Entry[] = [];
  let writing: Entry[] = [];
  let setAside: Entry[] = [];
  let active = false;
  let waitMs = FIRST_WAIT_MS;
  let begunAt = -Infinity;
  const pace = createPause(paceClock);
  let isFlushing = false;
  let onEmpty = () => {};

  const pending = () => gathered.length + writing.length + setAside.length;

  async function write(): Promise<void> {
    active = true;
    while (gathered.length > 0) {
      await gatherMore();
      begunAt = paceClock.monotonic();
      writing = gathered.slice(0, BATCH);
      gathered = gathered.slice(BATCH);
      try {
        putAside(await writeBatch(writing));
        waitMs = FIRST_WAIT_MS;
      } catch (error) {
        gathered = [...writing, ...gathered];
        writing = [];
        if (error instanceof Refusal) onStoreError();
        logger.warn({ err: error, pending: gathered.length, retry_in_ms: waitMs }, 'recorder.store_unavailable');
        await new Promise<void>((resolve) => clock.after(waitMs, resolve));
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
      writing = [];
    }
    active = false;
    if (setAside.length === 0) onEmpty();
  }

  /** Tries them again later, and goes on with the others meanwhile. */
  function putAside(entries: Entry[]): void {
    if (entries.length === 0) return;
    setAside.push(...entries);
    clock.after(LONGEST_WAIT_MS, () => {
      setAside = setAside.filter((entry) => !entries.includes(entry));
      gather(entries);
    });
  }

  function gather(entries: Entry[]): void {
    gathered.push(...entries);
    if (!active) void write();
    else if (gathered.length >= BATCH) pace.end();
  }

  /** Until it is time for the next write, the batch is full, or somebody waits for it. */
  function gatherMore(): Promise<void> | undefined {
    const leftMs = begunAt + LEAST_INTERVAL_MS - paceClock.monotonic();
    if (leftMs <= 0 || gathered.length >= BATCH || isFlushing) return undefined;
    return pace.for(leftMs);
  }

  /** Returns what was not written and is to be tried again apart from others. */
  async function writeBatch(entries: Entry[]): Promise<Entry[]> {
    let lost: string[];
    try {
      lost = await store.record(entries.map(toClaimResult));
    } catch (error) {
      if (error instanceof Refusal) throw error;
      logger.error({ err: error, results: entries.length }, 'recorder.batch_refused');
      return writeOneByOne(entries);
    }
    settle(entries, lost);
    return [];
  }

  /**
   * A result that the store cannot take must not keep back the others for ever. It is dropped only if its own values are at
   * fault: any other reason may pass, and what is dropped is sent again. A reason that all of them share is the store's.
   */
  async function writeOneByOne(entries: Entry[]): Promise<Entry[]> {
    const lost: string[] = [];
    const failed: Entry[] = [];
    let failure: unknown;
    for (const entry of entries) {
      try {
        lost.push(...(await store.record([toClaimResult(entry)])));
      } catch (error) {
        if (error instanceof Refusal) throw error;
        if (error instanceof BadValue) {
          logger.error({ err: error, id: entry.held.timer.id }, 'timer.record_refused');
        } else {
          failed.push(entry);
          failure = error;
        }
      }
    }
    if (failed.length === entries.length) throw failure;
    if (failed.length > 0) logger.error({ err: failure, results: failed.length }, 'recorder.results_kept');
    const written = entries.filter((entry) => !failed.includes(entry));
    settle(written, lost);
    return failed;
  }

  /**
   * What is to be tried again may be due since before an outage by the time that it is written. It is found from now on: looks
   * at the backlog go back no further than a write may take.
   */
  function toClaimResult({ held: { timer }, result }: Entry): ClaimResult {
    const { id, claimId } = timer;
    const { status, wakeAt } = result;
    return {
      ...result,
      id,
      claimId,
      wakeAt: status === 'waiting' ? Math.max(wakeAt, Math.floor(storeClock.now())) : wakeAt,
    };
  }

  function settle(entries: Entry[], lost: string[]): void {
    for (const { held } of entries) holdings.remove(held.timer.id);
    for (const id of lost) logger.warn({ id }, 'timer.claim_lost');
  }

  return {
    add(held, result) {
      gather([{ held, result }]);
    },
    isWriting: (held) => writing.some((entry) => entry.held === held),
    get pending() {
      return pending();
    },
    async flushed(withinMs) {
      if (pending() === 0) return true;
      isFlushing = true;
      pace.end();
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
