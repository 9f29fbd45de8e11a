import TinyQueue from 'tinyqueue';
import type { Clock } from '../platform/index.ts';
import type { HeldTimer } from './held-timer.ts';

/**
 * Holds claimed timers back until their instant and then releases each, never early by the store's clock. This is how a
 * poll twice a second gives millisecond lateness.
 */
export interface DueQueue {
  push(held: HeldTimer): void;
  readonly size: number;
  /** Empties the queue without releasing anything. */
  drain(): HeldTimer[];
}

/** A crowd is released bit by bit, so that whatever else happens in its instant need not wait for all of it. */
const RELEASED_AT_ONCE = 500;

export function createDueQueue(deps: {
  clock: Clock;
  storeClock: { now(): number };
  release: (held: HeldTimer) => void;
}): DueQueue {
  const { clock, storeClock, release } = deps;
  const queue = new TinyQueue<HeldTimer>([], (a, b) => a.timer.nextAttemptAt - b.timer.nextAttemptAt);
  let armedFor = Infinity;
  let disarm = () => {};

  /** The clock may call too soon, so it is armed again for what is left. */
  function arm(): void {
    const next = queue.peek()?.timer.nextAttemptAt ?? Infinity;
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
      if (head === undefined || head.timer.nextAttemptAt > now) break;
      queue.pop();
      release(head);
    }
    arm();
  }

  return {
    push(held) {
      queue.push(held);
      if (held.timer.nextAttemptAt < armedFor) arm();
    },
    get size() {
      return queue.length;
    },
    drain() {
      disarm();
      armedFor = Infinity;
      const held = [...queue.data];
      queue.data = [];
      queue.length = 0;
      return held;
    },
  };
}
