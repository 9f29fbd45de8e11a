import type { Clock, Logger } from '../platform/index.ts';
import { Refusal, type Timer, type TimerStore } from '../timers/index.ts';

const MAX_WAITERS = 1000;
const LOOK_EVERY_MS = 250;

/** Those who wait for a timer to be finished, by whatever replica. */
export interface Waiters {
  /**
   * Resolves with the timer soon after it is finished; with undefined once the time is over, the signal is given up, or
   * the replica stops. Throws `Refusal('too_many_waiters')`.
   */
  wait(id: string, given: { timeoutMs: number; signal: AbortSignal }): Promise<Timer | undefined>;
  /** Lets everybody go, and nobody wait any more. */
  stop(): void;
}

interface Waiter {
  id: string;
  end(timer?: Timer): void;
}

/** All of them share one look at the store every so often, whatever their number; while nobody waits there is none. */
export function createWaiters(deps: {
  store: Pick<TimerStore, 'findFinished'>;
  clock: Clock;
  logger: Logger;
}): Waiters {
  const { store, clock, logger } = deps;
  const waiters = new Set<Waiter>();
  let looking = false;
  let stopped = false;

  function scheduleLook(): void {
    if (looking || waiters.size === 0) return;
    looking = true;
    clock.after(LOOK_EVERY_MS, () => void look());
  }

  async function look(): Promise<void> {
    const ids = new Set([...waiters].map(({ id }) => id));
    try {
      const finished = new Map((await store.findFinished([...ids])).map((timer) => [timer.id, timer]));
      for (const waiter of waiters) {
        const timer = finished.get(waiter.id);
        if (timer !== undefined) waiter.end(timer);
      }
    } catch (error) {
      logger.warn({ err: error, waiters: waiters.size }, 'waiters.store_unavailable');
    }
    looking = false;
    scheduleLook();
  }

  return {
    wait(id, { timeoutMs, signal }) {
      if (waiters.size >= MAX_WAITERS) {
        throw new Refusal(
          'too_many_waiters',
          `${MAX_WAITERS} requests wait on this replica; try again, or ask less often.`,
        );
      }
      return new Promise((resolve) => {
        const waiter: Waiter = {
          id,
          end(timer) {
            waiters.delete(waiter);
            cancelTimeout();
            signal.removeEventListener('abort', give);
            resolve(timer);
          },
        };
        const give = () => waiter.end();
        const cancelTimeout = clock.after(timeoutMs, give);
        signal.addEventListener('abort', give);
        waiters.add(waiter);
        if (stopped || signal.aborted) give();
        else scheduleLook();
      });
    },
    stop() {
      stopped = true;
      for (const waiter of waiters) waiter.end();
    },
  };
}
