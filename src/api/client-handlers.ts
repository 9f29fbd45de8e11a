import type { TimerStore } from '../timers/index.ts';
import type { Admission, CallerHandler } from './admission.ts';
import { attemptsHandler } from './attempts.ts';
import { bulkHandlers } from './bulk.ts';
import { createChangeOwn, type ChangeOwn } from './change-own.ts';
import { changeHandlers } from './changes.ts';
import { erasePayloadHandler } from './erase-payload.ts';
import type { FindOwn } from './find-own.ts';
import type { Cursors } from './list-cursor.ts';
import { listHandler } from './lists.ts';
import { waitHandler } from './wait.ts';
import type { Waiters } from './waiters.ts';

/** What they ask of the store. */
export type ClientStore = Pick<
  TimerStore,
  'find' | 'list' | 'attemptsOf' | 'findFinished' | 'change' | 'cancelAll' | 'replayAll' | 'erasePayload'
>;

export type ClientHandlerDeps = Parameters<typeof createChangeOwn>[0] &
  Omit<Parameters<typeof changeHandlers>[0], 'changeOwn'> &
  Parameters<typeof bulkHandlers>[0] & {
    store: ClientStore;
    findOwn: FindOwn;
    cursors: Cursors;
    waiters: Waiters;
  };

/** What clients do with timers that are there, each for those who are admitted. */
export function createClientHandlers(deps: ClientHandlerDeps & { admit: Admission }) {
  const changeOwn: ChangeOwn = createChangeOwn(deps);
  const handlers = {
    list: listHandler(deps),
    attempts: attemptsHandler(deps),
    wait: waitHandler(deps),
    erasePayload: erasePayloadHandler(deps),
    ...changeHandlers({ ...deps, changeOwn }),
  };
  const bulk = bulkHandlers(deps);
  return admitted(deps.admit, { ...handlers, cancelAll: bulk.cancel, replayAll: bulk.replay });
}

const admitted = <Name extends string>(admit: Admission, handlers: Record<Name, CallerHandler>) =>
  Object.fromEntries(
    Object.entries<CallerHandler>(handlers).map(([name, handler]) => [name, admit(handler)]),
  ) as Record<Name, ReturnType<Admission>>;
