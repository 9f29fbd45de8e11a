import type { HeldTimer } from './held-timer.ts';

/** While others keep coming, every so many-th is one of the backlog: it has waited long, but it must not wait for ever. */
const BACKLOG_TURN = 5;

/**
 * A lane's due timers in the order in which they start. What is due now comes before what has been late for seconds: a
 * backlog to a host would otherwise make all that is still to come as late as itself.
 */
export interface LaneQueue {
  readonly length: number;
  push(held: HeldTimer, isBacklog: boolean): void;
  shift(): HeldTimer | undefined;
  /** Takes out the timers that `isUnwanted` names. `place` counts from 0: first those due now, then the backlog. */
  takeOut(isUnwanted: (held: HeldTimer, place: number) => boolean): HeldTimer[];
}

export function createLaneQueue(): LaneQueue {
  let current: HeldTimer[] = [];
  let backlog: HeldTimer[] = [];
  let sinceBacklog = 0;

  return {
    get length() {
      return current.length + backlog.length;
    },
    push(held, isBacklog) {
      (isBacklog ? backlog : current).push(held);
    },
    shift() {
      const isTurn = current.length === 0 || sinceBacklog + 1 >= BACKLOG_TURN;
      const fromBacklog = isTurn ? backlog.shift() : undefined;
      sinceBacklog = fromBacklog === undefined ? sinceBacklog + 1 : 0;
      return fromBacklog ?? current.shift();
    },
    takeOut(isUnwanted) {
      const taken: HeldTimer[] = [];
      let place = 0;
      const isKept = (held: HeldTimer) => {
        const isWanted = !isUnwanted(held, place++);
        if (!isWanted) taken.push(held);
        return isWanted;
      };
      current = current.filter(isKept);
      backlog = backlog.filter(isKept);
      return taken;
    },
  };
}
