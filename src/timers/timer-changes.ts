import type { Timer } from './timer.ts';
import type { TimerQuery } from './timer-lists.ts';

/** What changes of a client ask of a store. A row that a replica holds is never touched. */
export interface TimerChanges {
  /**
   * Writes the change and raises the fence, provided that the timer still has the status and the fence it was seen with: then
   * no replica has claimed it since, and nobody has changed it. Returns the timer as it stands afterwards; undefined when it has moved on, and nothing was written.
   * A change of `run` first keeps the attempt that only the timer's own columns tell; it throws `Refusal('superseded')`, and
   * writes nothing, where the key of the timer stands for another one. Of concurrent inserts under the key it sees the
   * whole effect or none of it.
   */
  change(seen: Timer, change: TimerChange): Promise<Timer | undefined>;

  /** Cancels those of the timers, at most 500, that wait and match. Returns how many. */
  cancelAll(ids: string[], matching: TimerQuery, given: { now: number }): Promise<number>;

  /**
   * Begins a new run, due at `dueAt`, of those of the timers, at most 500, that are done, failed or unknown and match, but
   * of none whose key stands for another one. Returns how many.
   */
  replayAll(ids: string[], matching: TimerQuery, given: { dueAt: number }): Promise<number>;

  /** Erases headers, body, metadata and answers of a finished timer. Returns it as it stands then; undefined where it is not finished. */
  erasePayload(id: string): Promise<Timer | undefined>;
}

/** New values; what is left out stays as it is. */
export type TimerChange = Partial<
  Omit<Timer, 'id' | 'fence' | 'action' | 'owner' | 'label' | 'key' | 'url' | 'createdAt'>
>;

/** Begins a run: nothing of one before it stays but the fence. */
export const NEW_RUN = {
  reason: null,
  attempts: 0,
  lost: 0,
  sendStartedAt: null,
  firedAt: null,
  latenessMs: null,
  durationMs: null,
  httpStatus: null,
  errorCode: null,
  errorMessage: null,
  answer: null,
} as const satisfies TimerChange;
