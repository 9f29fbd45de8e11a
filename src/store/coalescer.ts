/**
 * Lets concurrent callers share one statement and its fsync. A lone call is sent at once; calls that come while one is
 * under way are gathered and sent together when it returns, so nobody waits for company.
 */
export interface Coalescer<T> {
  /** Resolves when a `send` that contained all of the items resolved. Rejects with what it rejected with. */
  add(items: T[]): Promise<void>;
}

interface Call<T> {
  items: T[];
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
  isStoreFault: (error: unknown) => boolean;
}): Coalescer<T> {
  const { send, maxItems, isStoreFault } = deps;
  let gathered: Call<T>[] = [];
  let sending = false;

  async function sendGathered(): Promise<void> {
    sending = true;
    while (gathered.length > 0) await sendBatch(takeBatch());
    sending = false;
  }

  function takeBatch(): Call<T>[] {
    let count = 0;
    const end = gathered.findIndex((call, index) => (count += call.items.length) > maxItems && index > 0);
    const batch = end === -1 ? gathered : gathered.slice(0, end);
    gathered = end === -1 ? [] : gathered.slice(end);
    return batch;
  }

  async function sendBatch(batch: Call<T>[]): Promise<void> {
    try {
      await send(batch.flatMap((call) => call.items));
      for (const call of batch) call.resolve();
    } catch (error) {
      if (isStoreFault(error)) {
        for (const call of [...batch, ...gathered.splice(0)]) call.reject(error);
      } else if (batch.length === 1) {
        batch[0]?.reject(error);
      } else {
        for (const call of batch) await send(call.items).then(call.resolve, call.reject);
      }
    }
  }

  return {
    add: (items) =>
      new Promise((resolve, reject) => {
        gathered.push({ items, resolve, reject });
        if (!sending) void sendGathered();
      }),
  };
}
