import type { Outcome } from './outcome.ts';
import type { ClaimedTimer } from './timer.ts';

/** Something the scheduler can perform when a timer is due. The scheduler knows actions by name and nothing more of them. */
export interface Action {
  name: string;
  /** Timers of one lane share a queue and a limit; a lane that is stuck holds up no other. */
  laneOf(timer: ClaimedTimer): string;
  /** Most attempts at once in one lane of this action. */
  concurrency: number;
  /** Longest time `perform` takes for this timer, milliseconds; what the lease has to cover. */
  deadlineMs(timer: ClaimedTimer): number;
  /**
   * Tells of a timer that is still to come: what is done by now, such as opening a connection, will not make it late. A hint,
   * that `perform` does not depend on. Never throws.
   */
  prepare?(timer: ClaimedTimer): void;
  /**
   * One attempt. Never rejects: what goes wrong is an outcome. Ends within `deadlineMs`; an aborted signal (the replica
   * stops and has no more time) ends it at once. `isOurs` tells whether the claim still stands, and is to be asked as the
   * first byte is about to leave where sending twice does harm: the process may have stood still at any point before.
   */
  perform(timer: ClaimedTimer, signal: AbortSignal, isOurs: () => boolean): Promise<Outcome>;
}
