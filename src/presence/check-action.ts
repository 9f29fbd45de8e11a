import type { Action, Outcome } from '../timers/index.ts';
import { CHECK, objectIdOf } from './check-timer.ts';
import type { PresenceStore } from './presence-store.ts';
import type { FailedLook, StatusApi } from './status-api.ts';

/** The action `object-check`: asks the status API whether the object is online, and keeps that it was. */
export function createCheckAction(deps: {
  statusApi: Pick<StatusApi, 'look'>;
  store: Pick<PresenceStore, 'keepSightings'>;
  storeClock: { now(): number };
  /** All checks share a lane, which bears the name of the API's host. */
  host: string;
  deadlineMs: number;
  maxConsumers: number;
}): Action {
  const { statusApi, store, storeClock, host, deadlineMs, maxConsumers } = deps;
  return {
    name: CHECK,
    concurrency: maxConsumers,
    laneOf: () => host,
    deadlineMs: () => deadlineMs,
    async perform(timer, signal) {
      const id = objectIdOf(timer);
      const look = await statusApi.look(id, { path: timer.url, signal });
      if (look.kind === 'failed') return retryAfter(look);
      const { httpStatus } = look;
      try {
        if (look.online) await store.keepSightings([{ id, lastSeen: Math.floor(storeClock.now()) }]);
      } catch {
        const error = { code: 'store_unavailable', message: 'The sighting could not be stored.' };
        return retryAfter({ error, verdict: 'answered', httpStatus });
      }
      return { kind: 'delivered', error: null, httpStatus, answer: null };
    },
  };
}

const retryAfter = ({ error, verdict, httpStatus }: Omit<FailedLook, 'kind'>): Outcome => ({
  kind: 'retry',
  error,
  verdict,
  retryAfterMs: null,
  maybeSent: true,
  httpStatus,
  answer: null,
});
