import TinyQueue from 'tinyqueue';
import type { Clock } from '../platform/index.ts';
import type { HeldTimer } from './held-timer.ts';
import type { LaneIdentity } from './lane.ts';

/**
 * Holds claimed timers back until their instant and then releases each, never early by the store's clock. This is how a
 * poll twice a second gives millisecond lateness.
 */
export interface DueQueue {
  push(due: Due): void;
  readonly size: number;
  /** Empties the queue without releasing anything. */
  drain(): Due[];
}

export interface Due {
  held: HeldTimer;
  lane: LaneIdentity;
}

/** A crowd is released bit by bit, so that whatever else happens in its instant need not wait for all of it. */
const RELEASED_AT_ONCE = 500;

export function createDueQueue(deps: {
  clock: Clock;
  storeClock: { now(): number };
  release: (due: Due) => void;
}): DueQueue {
  const { clock, storeClock, release } = deps;
  const queue = new TinyQueue<Due>([], (a, b) => instantOf(a) - instantOf(b));
  let armedFor = Infinity;
  let disarm = () => {};

  /** The clock may call too soon, so it is armed again for what is left. */
  function arm(): void {
    const head = queue.peek();
    const next = head === undefined ? Infinity : instantOf(head);
    if (next === armedFor) return;
    disarm();
    armedFor = next;
    disarm = next === Infinity ? () => {} : clock.after(next - storeClock.now(), releaseDue);
  }

  function releaseDue(): void {
    armedFor = Infinity;
    const now = storeClock.now();
    for (let count = 0; count < RELEASED_AT_ONCE; count++) {
      const head = queue.peek();
      if (head === undefined || instantOf(head) > now) break;
      queue.pop();
      release(head);
    }
    arm();
  }

  return {
    push(due) {
      queue.push(due);
      if (instantOf(due) < armedFor) arm();
    },
    get size() {
      return queue.length;
    },
    drain() {
      disarm();
      armedFor = Infinity;
      const left = [...queue.data];
      queue.data = [];
      queue.length = 0;
      return left;
    },
  };
}

const instantOf = ({ held }: Due): number => held.timer.nextAttemptAt;
