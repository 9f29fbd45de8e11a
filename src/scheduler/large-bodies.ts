import type { TimerStore } from '../timers/index.ts';
import type { HeldTimer } from './held-timer.ts';
import type { Holdings } from './holdings.ts';

/** Bodies that claims leave behind because of their size; each is read when its timer is about to be sent. */
export interface LargeBodies {
  isMissing(held: HeldTimer): boolean;
  /** False when the claim is no longer ours. Rejects when the store is away. */
  read(held: HeldTimer): Promise<boolean>;
}

export function createLargeBodies(deps: { store: Pick<TimerStore, 'readBody'>; holdings: Holdings }): LargeBodies {
  const { store, holdings } = deps;
  return {
    isMissing: ({ timer }) => timer.body === null && timer.bodyBytes > 0,
    async read(held) {
      const { id, claimId } = held.timer;
      const body = await store.readBody({ id, claimId });
      if (body === undefined) return false;
      holdings.keepBody(held, body);
      return true;
    },
  };
}
