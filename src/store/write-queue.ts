import { systemClock } from '../platform/index.ts';
import { Refusal } from '../timers/index.ts';
import { createCoalescer, type Coalescer } from './coalescer.ts';

/** Within the 5 s of `TimerStore`, with some time left to say so. */
const ANSWER_WITHIN_MS = 4500;
/** What an outage may cost in memory: some seconds of writes until they are refused. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Writes of concurrent callers, sent together and answered in time, whatever the store does. */
export const createWriteQueue = <T>(deps: {
  send: (items: T[]) => Promise<void>;
  maxItems: number;
  /** Bytes in memory. */
  sizeOf: (item: T) => number;
}): Coalescer<T> =>
  createCoalescer({
    ...deps,
    maxBytes: MAX_BYTES,
    answerWithinMs: ANSWER_WITHIN_MS,
    storeFault: (detail) => new Refusal('store_unavailable', detail),
    isStoreFault: (error) => error instanceof Refusal,
    // Not the injected clock: a deadline on a machine that does not answer is by real time.
    clock: systemClock,
  });
