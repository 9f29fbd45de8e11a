import type { KeyedResult, KeyedTimer, TimerStore } from '../timers/index.ts';
import { createInsertQueue } from './insert-queue.ts';

interface Slot {
  entry: KeyedTimer;
  bodyBytes: number;
  result: KeyedResult | undefined;
}

/** As inserts of plain timers, concurrent ones that come with keys share a transaction. `send` answers entry by entry. */
export function createKeyedQueue(deps: {
  send: (entries: KeyedTimer[]) => Promise<KeyedResult[]>;
  maxTimers: number;
}): TimerStore['insertKeyed'] {
  const queue = createInsertQueue<Slot>({
    maxTimers: deps.maxTimers,
    async send(slots) {
      const results = await deps.send(slots.map(({ entry }) => entry));
      for (const [index, slot] of slots.entries()) slot.result = results[index];
    },
  });
  return async (entries) => {
    const slots = entries.map((entry): Slot => ({ entry, bodyBytes: entry.timer.bodyBytes, result: undefined }));
    await queue.add(slots);
    return slots.map(({ result }) => {
      if (result === undefined) throw new Error('An entry was stored without a result.');
      return result;
    });
  };
}
