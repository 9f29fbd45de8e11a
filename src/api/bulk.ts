import type { Request } from 'express';
import { z } from 'zod';
import type { ListPosition, TimerQuery, TimerStore } from '../timers/index.ts';
import type { CallerHandler } from './admission.ts';
import { sendJson } from './answer.ts';
import type { Caller } from './authenticate.ts';
import type { BodyBudget } from './body-budget.ts';
import { parseInstant } from './instant.ts';
import { MAX_TIMER_BYTES, readJson } from './read-json.ts';
import { filterFields, finishedFields, queryOf, type TimerFilter } from './timer-filter.ts';
import { validate } from './validate.ts';

/** What one call changes at most. */
const MAX_CHANGED = 10_000;
const BATCH = 500;
const REPLAYABLE = ['failed', 'unknown', 'done'] as const;

const refuseEmpty = { error: 'must say which timers; an empty one would be all of them' };
const isGiven = (filter: object) => Object.keys(filter).length > 0;
const { label, host, due_after, due_before } = filterFields;

export const cancellation = z
  .strictObject({
    filter: z
      .strictObject({ status: z.literal('waiting').optional(), label, host, due_after, due_before })
      .refine(isGiven, refuseEmpty),
  })
  .meta({ id: 'Cancellation', description: 'Those that wait and match.' });

export const replays = z
  .strictObject({
    filter: z
      .strictObject({ status: z.enum(REPLAYABLE).optional(), label, host, ...finishedFields })
      .refine(isGiven, refuseEmpty),
  })
  .meta({ id: 'Replays', description: 'Those that match and are done, failed or unknown.' });

const more = z.boolean().meta({ description: 'Whether some are left; call again.' });
export const cancelled = z.strictObject({ cancelled: z.int().min(0), more }).meta({ id: 'Cancelled' });
export const replayed = z
  .strictObject({
    replayed: z.int().min(0),
    more,
    finished_before: z.iso.datetime().meta({
      description:
        'What ended from this instant on was left alone, for it may be what this call has begun. To go on with what is ' +
        'left, call again with it in the filter.',
    }),
  })
  .meta({ id: 'Replayed' });

/** `POST /timers/cancel` and `/timers/replay`: batch by batch, each checked again in its write. */
export function bulkHandlers(deps: {
  store: Pick<TimerStore, 'list' | 'cancelAll' | 'replayAll'>;
  storeClock: { now(): number };
  bodies: BodyBudget;
  isStopping: () => boolean;
  /** Replays of many are due this far ahead: by then a pass has found them, and each is sent at its millisecond. */
  lookaheadMs: number;
}): { cancel: CallerHandler; replay: CallerHandler } {
  const { store, storeClock, bodies, isStopping, lookaheadMs } = deps;
  const now = () => Math.ceil(storeClock.now());

  async function changeAll(
    req: Request,
    queries: TimerQuery[],
    change: (ids: string[], query: TimerQuery) => Promise<number>,
  ): Promise<{ changed: number; more: boolean }> {
    let changed = 0;
    for (const query of queries) {
      let after: ListPosition | null = null;
      do {
        // Nobody waits for the rest, or nobody may.
        if (changed >= MAX_CHANGED || isStopping() || req.socket.destroyed) return { changed, more: true };
        const limit = Math.min(BATCH, MAX_CHANGED - changed);
        const page = await store.list(query, { after, limit });
        if (page.timers.length > 0)
          changed += await change(
            page.timers.map(({ id }) => id),
            query,
          );
        after = page.next;
      } while (after !== null);
    }
    return { changed, more: false };
  }

  const queriesOf = (filter: Partial<TimerFilter>, statuses: readonly TimerQuery['status'][], caller: Caller) =>
    statuses.map((status) => queryOf({ ...filter, status }, caller));

  return {
    async cancel(req, res, caller) {
      const { filter } = validate(cancellation, await readJson(req, { maxBytes: MAX_TIMER_BYTES, bodies }));
      const { changed, more } = await changeAll(req, queriesOf(filter, ['waiting'], caller), (ids, query) =>
        store.cancelAll(ids, query, { now: now() }),
      );
      sendJson(res, { status: 200, body: { cancelled: changed, more } satisfies z.infer<typeof cancelled> });
    },

    async replay(req, res, caller) {
      const { filter } = validate(replays, await readJson(req, { maxBytes: MAX_TIMER_BYTES, bodies }));
      const statuses = filter.status === undefined ? REPLAYABLE : [filter.status];
      // The first of them may have ended again before the last is found; in this millisecond none has.
      const before = Math.min(parseInstant(filter.finished_before ?? '') ?? Infinity, now() + 1);
      const finished_before = new Date(before).toISOString();
      const queries = queriesOf(filter, statuses, caller).map((query) => ({ ...query, wakeTo: before }));
      const { changed, more } = await changeAll(req, queries, (ids, query) =>
        store.replayAll(ids, query, { dueAt: now() + lookaheadMs }),
      );
      sendJson(res, {
        status: 200,
        body: { replayed: changed, more, finished_before } satisfies z.infer<typeof replayed>,
      });
    },
  };
}
