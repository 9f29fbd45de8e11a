import { validate as isUuid } from 'uuid';
import type { Timer, TimerStore } from '../timers/index.ts';
import type { Caller } from './authenticate.ts';
import { Problem } from './problem.ts';

/** The webhook timer with this id, if it is the caller's. Throws `Problem('not_found')`, also for an id that is none. */
export type FindOwn = (id: unknown, caller: Caller) => Promise<Timer>;

export const createFindOwn =
  ({ store }: { store: Pick<TimerStore, 'find'> }): FindOwn =>
  async (id, caller) => {
    const timer = isUuid(id) ? await store.find((id as string).toLowerCase()) : undefined;
    // What other modules keep as timers is nobody's.
    if (timer?.action !== 'webhook' || !(caller.seesAll || timer.owner === caller.owner)) {
      throw new Problem('not_found', 'There is no timer of yours with this id.');
    }
    return timer;
  };
