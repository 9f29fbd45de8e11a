import type { Timer, TimerStatus } from './timer.ts';

/** What a list of timers asks of a store. */
export interface TimerLists {
  /**
   * One page, at the same cost whatever the size of the table. It walks one index in its order: by `status` in wake order
   * (waiting and executing: earliest first; finished: latest first), else by `label`, else all, newest first. What the
   * index does not know is checked while walking, over at most `MAX_WALKED` entries, so a page may be short though more
   * follow. With a status and a label that no more timers than these have, all of them are looked at, still in wake order.
   * A timer that is not changed meanwhile is on exactly one page. Bodies are left out.
   */
  list(query: TimerQuery, page: { after: ListPosition | null; limit: number }): Promise<TimerPage>;

  /** Attempts of a timer in the order they were made, those after the given fence; a first-try success is not among them. */
  attemptsOf(id: string, page: { afterFence: number; limit: number }): Promise<LoggedAttempt[]>;

  /** Those of the timers, at most 1,000, that are finished; bodies are left out. */
  findFinished(ids: string[]): Promise<Timer[]>;
}

/** Entries of an index that one page walks at most. */
export const MAX_WALKED = 4000;

/** Which timers. What is undefined does not matter. */
export interface TimerQuery {
  /** An owner's name, null for timers that nobody owns, undefined for all of them. */
  owner: string | null | undefined;
  action: string;
  status: TimerStatus | undefined;
  label: string | undefined;
  /** Schemes with hosts that count as the same: `https://someserver.com`, `https://someserver.com:443`, in lower case. */
  origins: string[] | undefined;
  /** Bounds on the next attempt, epoch ms: `from` is inside, `to` is not. For `waiting` alone. */
  wakeFrom: number | undefined;
  wakeTo: number | undefined;
}

/** Where in its index a page ended. */
export interface ListPosition {
  id: string;
  wakeAt: number;
  owner: string | null;
}

export interface TimerPage {
  timers: Timer[];
  /** Null when the walk came to its end. */
  next: ListPosition | null;
}

/** An attempt as it was recorded. */
export interface LoggedAttempt {
  run: number;
  /** Counted from 1 in each run. */
  number: number;
  fence: number;
  /** Epoch ms. */
  firedAt: number;
  /** Of the run's first attempt. */
  latenessMs: number;
  durationMs: number;
  httpStatus: number | null;
  errorCode: string | null;
  errorMessage: string | null;
  answer: string | null;
}
