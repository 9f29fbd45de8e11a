import type { Clock, Logger } from '../platform/index.ts';
import type { Action } from '../timers/index.ts';
import { createCheckAction } from './check-action.ts';
import { createChecker, type Checker } from './checker.ts';
import { createObjects, type Objects } from './objects.ts';
import type { PresenceStore } from './presence-store.ts';
import { createRoutine, type Routine } from './routine.ts';
import { createStatusApi } from './status-api.ts';

/** Most time that the store takes to keep a sighting, or to say that it cannot. */
const KEEPING_MS = 5000;

/** What presence is told by the configuration. Times in milliseconds. */
export interface PresenceSettings {
  /** Base URL of the status API, without a slash at its end. */
  url: string;
  timeoutMs: number;
  /** How long an object is known after it was last seen. */
  ttlMs: number;
  intervalMs: number;
  /** Checks at once on this replica. */
  maxConsumers: number;
  /** Of the scheduler's claims. */
  leaseMs: number;
  /** What is told of each object that is forgotten, and how often it is tried; null for nobody. */
  gone: { url: string; maxAttempts: number } | null;
}

export interface Presence {
  action: Action;
  objects: Objects;
  routine: Routine;
  /** Runs from before the first check is performed until after the last. */
  checker: Checker;
  /** Closes the connections to the status API. */
  close(): void;
}

/** Objects that are seen, checked and forgotten: one more job for the scheduler, beside webhooks. */
export function createPresence(
  deps: PresenceSettings & {
    store: PresenceStore;
    storeClock: { now(): number };
    clock: Clock;
    logger: Logger;
    userAgent: string;
  },
): Presence {
  const statusApi = createStatusApi(deps);
  const deadlineMs = deps.timeoutMs + KEEPING_MS;
  return {
    action: createCheckAction({ ...deps, statusApi, deadlineMs, host: new URL(deps.url).host }),
    objects: createObjects({ ...deps, deadlineMs }),
    routine: createRoutine(deps),
    checker: createChecker({ ...deps, deadlineMs }),
    close: () => statusApi.close(),
  };
}
