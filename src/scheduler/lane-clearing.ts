import type { Clock } from '../platform/index.ts';
import type { Attempts } from './attempt.ts';
import type { HeldTimer } from './held-timer.ts';
import { FIRST_IMPRESSION_MS, prospectsOf } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { Result } from './recorder.ts';

/** With this many timers waiting in lanes it is looked whether they hold up others. */
const MANY_QUEUED = 500;
/** How often the lanes are walked for what may not be sent any more: leases are a matter of seconds. */
const REFUSE_INTERVAL_MS = 250;

/** Hands back what the lanes cannot send while it is ours, or hold to the harm of others. */
export interface LaneClearing {
  clear(): void;
  /** Soon after lanes begin to fill, not only with the next pass: what they hold keeps others from being claimed. */
  clearSoon(): void;
}

export function createLaneClearing(deps: {
  lanes: Lanes;
  attempts: Pick<Attempts, 'refusalOf' | 'handBackLater'>;
  clock: Clock;
  record: (held: HeldTimer, result: Result) => void;
}): LaneClearing {
  const { lanes, attempts, clock, record } = deps;
  let isSoon = false;
  let refusedAt = -Infinity;

  function clear(): void {
    const now = clock.monotonic();
    if (now - refusedAt >= REFUSE_INTERVAL_MS) {
      refusedAt = now;
      refuse(now);
      lanes.forgetUnused();
    }
    for (const { held, lane } of lanes.takeSurplus()) {
      record(held, attempts.handBackLater(held, prospectsOf(lane, now)));
    }
  }

  function refuse(now: number): void {
    const refusals = new Map<HeldTimer, Result>();
    const isRefused = (held: HeldTimer) => {
      const refusal = attempts.refusalOf(held);
      if (refusal !== undefined) refusals.set(held, refusal);
      return refusal !== undefined;
    };
    for (const { held, lane } of lanes.takeOut(isRefused)) {
      const refusal = refusals.get(held);
      const isOver = refusal?.status === 'failed';
      record(held, isOver ? refusal : attempts.handBackLater(held, prospectsOf(lane, now)));
    }
  }

  return {
    clear,
    clearSoon() {
      if (isSoon || lanes.queued < MANY_QUEUED) return;
      isSoon = true;
      clock.after(FIRST_IMPRESSION_MS, () => {
        isSoon = false;
        clear();
      });
    },
  };
}
