import type { Timer } from '../timers/index.ts';
import type { Coalescer } from './coalescer.ts';
import { createWriteQueue } from './write-queue.ts';

const TIMER_BYTES = 2048;

/** For timers, whose bodies are what weighs. */
export const createInsertQueue = <T extends Pick<Timer, 'bodyBytes'>>(deps: {
  send: (timers: T[]) => Promise<void>;
  maxTimers: number;
}): Coalescer<T> =>
  createWriteQueue({
    send: deps.send,
    maxItems: deps.maxTimers,
    sizeOf: ({ bodyBytes }) => TIMER_BYTES + bodyBytes,
  });
