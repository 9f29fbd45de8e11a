import type {
  IdempotencyRecord,
  KeyedResult,
  KeyedTimer,
  ShortTimers,
  TimerOrder,
  TimerStore,
} from '../timers/index.ts';
import { idempotencyRecord } from './idempotency.ts';
import type { NewTimer } from './new-timer.ts';
import { orderOf, type OrderRules } from './order.ts';
import { placeTimer } from './place-timer.ts';

export interface ScheduleDeps extends OrderRules {
  store: Pick<TimerStore, 'insert' | 'insertKeyed'>;
  storeClock: { now(): number };
  shortTimers: ShortTimers;
}

/** A request for one timer that was found to be in order. */
export interface Entry {
  order: TimerOrder;
  idempotency: IdempotencyRecord | null;
}

/** How timers are made, whichever route they come by. */
export interface Schedule {
  /** Throws a `Problem` at the field that cannot be had. */
  take(
    asked: NewTimer,
    given: { owner: string | null; key?: string | undefined; idempotencyKey?: string | undefined },
  ): Entry;
  /** Resolves, in the order of the entries, once everything is committed. Rejects with what the store threw. */
  store(entries: Entry[]): Promise<KeyedResult[]>;
  storeOne(entry: Entry): Promise<KeyedResult>;
}

export function createSchedule(deps: ScheduleDeps): Schedule {
  const { store, storeClock, shortTimers } = deps;

  async function storeAll(entries: Entry[]): Promise<KeyedResult[]> {
    const placed = entries.map(({ order, idempotency }) => ({ ...placeTimer(order, shortTimers), idempotency }));
    const results = await write(store, placed).catch((error: unknown) => {
      for (const place of placed) place.abandon();
      throw error;
    });
    for (const [index, result] of results.entries()) placed[index]?.settle('timer' in result ? result.timer : null);
    return results;
  }

  return {
    take(asked, { owner, key, idempotencyKey }) {
      // Up to the next whole millisecond: due instants are integers and never before what was asked for.
      const createdAt = Math.ceil(storeClock.now());
      return {
        order: orderOf(asked, deps, { owner, key: key ?? null, createdAt }),
        idempotency:
          idempotencyKey === undefined
            ? null
            : idempotencyRecord({
                key: idempotencyKey,
                // A timer of a batch names its key itself, which is no part of what is asked for.
                asked: { ...asked, key, idempotency_key: undefined },
                createdAt,
              }),
      };
    },

    store: storeAll,
    async storeOne(entry) {
      const [result] = await storeAll([entry]);
      if (result === undefined) throw new Error('The store answers entry by entry.');
      return result;
    },
  };
}

/** Timers without keys need no transaction and share their statement with those of other requests. */
async function write(store: ScheduleDeps['store'], keyed: KeyedTimer[]): Promise<KeyedResult[]> {
  const isPlain = keyed.every(({ timer, idempotency }) => timer.key === null && idempotency === null);
  if (!isPlain) return store.insertKeyed(keyed);
  if (keyed.length > 0) await store.insert(keyed.map(({ timer }) => timer));
  return keyed.map(({ timer }) => ({ kind: 'created', timer }));
}
