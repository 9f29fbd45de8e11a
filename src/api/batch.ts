import { z } from 'zod';
import type { CallerHandler } from './admission.ts';
import { sendJson } from './answer.ts';
import type { BodyBudget } from './body-budget.ts';
import { refuseIdempotencyKey } from './idempotency.ts';
import { newTimerItem } from './new-timer.ts';
import { Problem, problemDocument, problemOf, PROBLEMS } from './problem.ts';
import { problemView } from './problem-responses.ts';
import { readJson } from './read-json.ts';
import { requestIdOf } from './request-id.ts';
import type { Entry, Schedule } from './schedule.ts';
import { answerTo } from './timer-answer.ts';
import { timerView } from './timer-view.ts';
import { validate } from './validate.ts';

const MAX_TIMERS = 1000;
const MAX_BYTES = 8 * 1024 * 1024;

/** What holds the items, which are looked at one by one: a wrong one does not hold back the others. */
const envelope = z.strictObject({ timers: z.array(z.unknown()).max(MAX_TIMERS) });

/** The body of `POST /timers/batch` as it is published. */
export const newBatch = z
  .strictObject({ timers: z.array(newTimerItem).max(MAX_TIMERS) })
  .meta({ id: 'NewBatch', description: `Up to ${MAX_TIMERS} timers, 8 MiB in all.` });

/** The answer, as it is published. */
export const batchReport = z
  .strictObject({
    results: z.array(
      z.union([
        z.strictObject({
          status: z.int(),
          timer: timerView,
          replayed: z.literal(true).optional().meta({ description: 'The same request got this answer before.' }),
        }),
        z.strictObject({ status: z.int(), problem: problemView }),
      ]),
    ),
  })
  .meta({ id: 'BatchReport' });

/** Everything that is in order is stored with one statement, or one transaction where some come with keys. */
export function batchHandler({ schedule, bodies }: { schedule: Schedule; bodies: BodyBudget }): CallerHandler {
  return async (req, res, { owner }) => {
    refuseIdempotencyKey(req.headers, 'a batch');
    const { timers } = validate(envelope, await readJson(req, { maxBytes: MAX_BYTES, bodies }));
    const taken = timers.map((item) => attempted(() => takeItem(item, { owner, schedule })));
    const stored = await schedule.store(taken.filter((entry): entry is Entry => !(entry instanceof Problem)));

    let next = 0;
    const results = taken.map((entry) => {
      if (entry instanceof Problem) return entry;
      const result = stored[next++];
      if (result === undefined) throw new Error('The store answers entry by entry.');
      return attempted(() => answerTo(result, { now: entry.order.createdAt }));
    });
    const requestId = requestIdOf(res);
    sendJson(res, { status: 200, body: { results: results.map((result) => view(result, requestId)) } });
  };
}

/** One of many as an entry. Throws a `Problem`. */
export function takeItem(item: unknown, { owner, schedule }: { owner: string | null; schedule: Schedule }): Entry {
  const asked = validate(newTimerItem, item);
  return schedule.take(asked, { owner, key: asked.key, idempotencyKey: asked.idempotency_key });
}

function attempted<T>(step: () => T): T | Problem {
  try {
    return step();
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code === 'internal_error') throw error;
    return problem;
  }
}

function view(result: ReturnType<typeof answerTo> | Problem, requestId: string) {
  if (result instanceof Problem) {
    return { status: PROBLEMS[result.code].status, problem: problemDocument(result, requestId) };
  }
  const { status, timer, replayed } = result;
  return { status, timer, ...(replayed ? { replayed } : {}) };
}
