import type { TimerStore } from '../timers/index.ts';
import type { HeldTimer } from './held-timer.ts';

const BATCH = 500;

/** Marks at-most-once timers as about to be sent. Marks asked for while a batch is under way are written together. */
export interface SendMarks {
  /** Resolves once the mark is committed; false when the claim is no longer ours. Rejects when the store is away. */
  mark(held: HeldTimer, startedAt: number): Promise<boolean>;
}

interface Request {
  held: HeldTimer;
  startedAt: number;
  resolve: (ours: boolean) => void;
  reject: (error: unknown) => void;
}

export function createSendMarks({ store }: { store: Pick<TimerStore, 'markSends'> }): SendMarks {
  let gathered: Request[] = [];
  let writing = false;

  async function write(): Promise<void> {
    writing = true;
    while (gathered.length > 0) {
      const batch = gathered.slice(0, BATCH);
      gathered = gathered.slice(BATCH);
      await writeBatch(batch);
    }
    writing = false;
  }

  async function writeBatch(batch: Request[]): Promise<void> {
    try {
      const rows = batch.map(({ held: { timer } }) => ({ id: timer.id, claimId: timer.claimId }));
      const lost = new Set(await store.markSends(rows, Math.max(...batch.map(({ startedAt }) => startedAt))));
      for (const { held, resolve } of batch) resolve(!lost.has(held.timer.id));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return {
    mark: (held, startedAt) =>
      new Promise((resolve, reject) => {
        gathered.push({ held, startedAt, resolve, reject });
        if (!writing) void write();
      }),
  };
}
