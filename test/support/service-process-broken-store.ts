import { openStore as openRealStore } from '../../src/store/index.ts';
import type { ClaimResult, TimerStore } from '../../src/timers/index.ts';

/*
 * What a service that fails its users does, each by a store that breaks its contract in one way. A checker that never
 * found anything proves nothing.
 */
const FAULTS: Record<StoreFault, (store: TimerStore) => Partial<TimerStore>> = {
  /** Timers are released as they are claimed, half a second before they are due at the least. */
  early: (store) => ({
    claim: async (query) =>
      (await store.claim(query)).map((timer) => ({ ...timer, nextAttemptAt: timer.nextAttemptAt - 1000 })),
  }),

  /** What is claimed is done for the store, before anything was sent. */
  'records before it sends': (store) => ({
    async claim(query) {
      const timers = await store.claim(query);
      const results = timers.map(({ id, claimId, dueAt }) => ({
        ...DONE,
        id,
        claimId,
        wakeAt: dueAt,
        nextAttemptAt: dueAt,
      }));
      if (results.length > 0) await store.record(results);
      return timers;
    },
  }),

  /** What was sent is handed back once, as if it had not been. */
  'forgets what it sent': (store) => {
    const seen = new Set<string>();
    const forget = (result: ClaimResult): ClaimResult => {
      if (seen.has(result.id)) return result;
      seen.add(result.id);
      return { ...result, status: 'waiting', attempt: null };
    };
    return { record: (results) => store.record(results.map(forget)) };
  },
};

export type StoreFault = 'early' | 'records before it sends' | 'forgets what it sent';

const DONE = { status: 'done', reason: null, attempt: null } as const;

/** In place of the service's own; the fault is the query of this module's address. */
export async function openStore(deps: Parameters<typeof openRealStore>[0]): Promise<TimerStore> {
  const fault = decodeURIComponent(new URL(import.meta.url).search.slice(1)) as StoreFault;
  const store = await openRealStore(deps);
  return { ...store, ...FAULTS[fault](store) };
}
