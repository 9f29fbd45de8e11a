import type { Clock } from '../platform/index.ts';

/** One that is being made and one that the store works on; only whole batches go side by side. */
const MAX_SENDERS = 2;

/**
 * Lets concurrent callers share one statement and its fsync. A lone call is sent at once; calls that come while one is
 * under way are gathered and sent together when it returns, or when they fill a batch, so nobody waits for company.
 */
export interface Coalescer<T> {
  /**
   * Resolves when a `send` that contained all of the items resolved. Rejects with what it rejected with; or with a fault of
   * the store when there is no answer within `answerWithinMs` (the items may be stored all the same, if they were sent by
   * then) or when too much is waiting already.
   */
  add(items: T[]): Promise<void>;
}

interface Call<T> {
  items: T[];
  bytes: number;
  answered: boolean;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * `isStoreFault` tells faults of the store, which every gathered call shares (they are refused at once: none of them was
 * sent), from faults of the items, for which the calls of a batch are tried one by one, so that one cannot fail the others.
 */
export function createCoalescer<T>(deps: {
  send: (items: T[]) => Promise<void>;
  maxItems: number;
  /** What may wait at a time, the batch under way included. */
  maxBytes: number;
  sizeOf: (item: T) => number;
  answerWithinMs: number;
  storeFault: (detail: string) => Error;
  isStoreFault: (error: unknown) => boolean;
  clock: Pick<Clock, 'after'>;
}): Coalescer<T> {
  const { send, maxItems, maxBytes, sizeOf, answerWithinMs, storeFault, isStoreFault, clock } = deps;
  let gathered: Call<T>[] = [];
  let gatheredItems = 0;
  let heldBytes = 0;
  let senders = 0;

  const isBatchFull = () => gatheredItems >= maxItems;

  async function sendGathered(): Promise<void> {
    senders += 1;
    while (gathered.length > 0 && (senders === 1 || isBatchFull())) {
      const taken = takeBatch();
      // Those who were told that the store is away are not stored behind their backs.
      await sendBatch(taken.filter((call) => !call.answered));
      release(taken);
    }
    senders -= 1;
  }

  function takeBatch(): Call<T>[] {
    let count = 0;
    const end = gathered.findIndex((call, index) => (count += call.items.length) > maxItems && index > 0);
    const batch = end === -1 ? gathered : gathered.slice(0, end);
    keepGathered(end === -1 ? [] : gathered.slice(end));
    return batch;
  }

  function keepGathered(calls: Call<T>[]): void {
    gathered = calls;
    gatheredItems = calls.reduce((sum, { items }) => sum + items.length, 0);
  }

  async function sendBatch(batch: Call<T>[]): Promise<void> {
    const failure = await trySend(batch);
    if (failure === undefined) return;
    if (isStoreFault(failure.error)) {
      refuse(batch, failure.error);
      return;
    }
    if (batch.length === 1) return batch[0]?.reject(failure.error);
    for (const [index, call] of batch.entries()) {
      const own = await trySend([call]);
      if (own === undefined) continue;
      if (isStoreFault(own.error)) {
        refuse(batch.slice(index), own.error);
        return;
      }
      call.reject(own.error);
    }
  }

  async function trySend(batch: Call<T>[]): Promise<{ error: unknown } | undefined> {
    try {
      if (batch.length > 0) await send(batch.flatMap((call) => call.items));
    } catch (error) {
      return { error };
    }
    for (const call of batch) call.resolve();
    return undefined;
  }

  function refuse(batch: Call<T>[], error: unknown): void {
    for (const call of batch) call.reject(error);
    const unsent = gathered;
    keepGathered([]);
    for (const call of unsent) call.reject(error);
    release(unsent);
  }

  function release(calls: Call<T>[]): void {
    for (const { bytes } of calls) heldBytes -= bytes;
  }

  return {
    add(items) {
      const bytes = items.reduce((sum, item) => sum + sizeOf(item), 0);
      if (heldBytes > 0 && heldBytes + bytes > maxBytes) {
        return Promise.reject(storeFault('The database is too slow for what is to be stored.'));
      }
      return new Promise((resolve, reject) => {
        const call = { items, bytes, answered: false, resolve: settle(resolve), reject: settle(reject) };
        const cancel = clock.after(answerWithinMs, () =>
          call.reject(storeFault('The database gave no answer in time.')),
        );
        function settle<A extends unknown[]>(answer: (...args: A) => void) {
          return (...args: A) => {
            call.answered = true;
            cancel();
            answer(...args);
          };
        }
        heldBytes += bytes;
        gathered.push(call);
        gatheredItems += items.length;
        if (senders === 0 || (senders < MAX_SENDERS && isBatchFull())) void sendGathered();
      });
    },
  };
}
