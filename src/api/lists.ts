import { z } from 'zod';
import type { ListPosition, TimerStore } from '../timers/index.ts';
import type { CallerHandler } from './admission.ts';
import { sendJson } from './answer.ts';
import type { Cursors } from './list-cursor.ts';
import { nextCursor, pagingFields } from './paging.ts';
import { filterFields, queryOf, refuseDueOfOthers } from './timer-filter.ts';
import { timerView, viewTimer } from './timer-view.ts';
import { validate } from './validate.ts';

export const listQuery = z.strictObject({ ...filterFields, ...pagingFields }).check(refuseDueOfOthers);

export const timerList = z
  .strictObject({ timers: z.array(timerView), next_cursor: nextCursor })
  .meta({ id: 'TimerList' });

/** `GET /timers`. */
export function listHandler(deps: {
  store: Pick<TimerStore, 'list'>;
  storeClock: { now(): number };
  cursors: Cursors;
}): CallerHandler {
  const { store, storeClock, cursors } = deps;

  return async (req, res, caller) => {
    const { limit, cursor, ...filter } = validate(listQuery, req.query);
    const query = queryOf(filter, caller);
    const after = cursor === undefined ? null : (cursors.open(query, cursor) as ListPosition);
    const { timers, next } = await store.list(query, { after, limit });
    const now = Math.ceil(storeClock.now());
    sendJson(res, {
      status: 200,
      body: {
        timers: timers.map((timer) => viewTimer(timer, { now })),
        next_cursor: next && cursors.seal(query, next),
      } satisfies z.infer<typeof timerList>,
    });
  };
}
