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

export function createDueQueue(deps: {
  clock: Clock;
  storeClock: { now(): number };
  release: (held: HeldTimer) => void;
}): DueQueue {
  const { clock, storeClock, release } = deps;
  const queue = new TinyQueue<HeldTimer>([], (a, b) => a.timer.nextAttemptAt - b.timer.nextAttemptAt);
  let armedFor = Infinity;
  let disarm = () => {};

  /** The clock may call a fraction of a millisecond early, so it is armed again for what is left. */
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
    for (let head = queue.peek(); head !== undefined && head.timer.nextAttemptAt <= now; head = queue.peek()) {
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
