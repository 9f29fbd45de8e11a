import { z } from 'zod';
import type { LoggedAttempt, Timer, TimerStore } from '../timers/index.ts';
import type { CallerHandler } from './admission.ts';
import { sendJson } from './answer.ts';
import type { FindOwn } from './find-own.ts';
import type { Cursors } from './list-cursor.ts';
import { nextCursor, paging } from './paging.ts';
import { validate } from './validate.ts';

const attemptView = z
  .strictObject({
    run: z.int().min(0).meta({ description: '0, and one more with every replay.' }),
    attempt: z.int().min(1).meta({ description: 'Counted from 1 in each run.' }),
    fence: z.int().min(1),
    started_at: z.string().meta({ format: 'date-time' }),
    lateness_ms: z.int().meta({ description: 'Of the first attempt of the run.' }),
    duration_ms: z.int().min(0),
    http_status: z.int().nullable(),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    answer: z
      .string()
      .nullable()
      .meta({ description: 'The first 1,024 bytes of the answer as text; only where it came from a public address.' }),
  })
  .meta({ id: 'Attempt' });

export const attemptList = z
  .strictObject({ attempts: z.array(attemptView), next_cursor: nextCursor })
  .meta({ id: 'AttemptList' });

/** `GET /timers/:id/attempts`, the oldest first. */
export function attemptsHandler(deps: {
  store: Pick<TimerStore, 'attemptsOf'>;
  findOwn: FindOwn;
  cursors: Cursors;
}): CallerHandler {
  const { store, findOwn, cursors } = deps;

  return async (req, res, caller) => {
    const { limit, cursor } = validate(paging, req.query);
    const timer = await findOwn(req.params.id, caller);
    const list = ['attempts', timer.id];
    const afterFence = cursor === undefined ? 0 : (cursors.open(list, cursor) as number);
    const logged = await store.attemptsOf(timer.id, { afterFence, limit: limit + 1 });
    const own = firstTry(timer).filter(
      ({ fence }) => fence > afterFence && !logged.some((other) => other.fence === fence),
    );
    const found = [...logged, ...own];
    const page = found.slice(0, limit);
    const last = page.at(-1);
    sendJson(res, {
      status: 200,
      body: {
        attempts: page.map(viewAttempt),
        next_cursor: found.length > limit && last ? cursors.seal(list, last.fence) : null,
      } satisfies z.infer<typeof attemptList>,
    });
  };
}

/** A success at the first try has no row of its own; the timer's own columns tell it. */
function firstTry(timer: Timer): LoggedAttempt[] {
  const { status, attempts, firedAt, latenessMs, durationMs } = timer;
  if (status !== 'done' || attempts !== 1 || firedAt === null || latenessMs === null || durationMs === null) return [];
  return [{ ...timer, number: 1, firedAt, latenessMs, durationMs }];
}

const viewAttempt = (attempt: LoggedAttempt): z.infer<typeof attemptView> => ({
  run: attempt.run,
  attempt: attempt.number,
  fence: attempt.fence,
  started_at: new Date(attempt.firedAt).toISOString(),
  lateness_ms: attempt.latenessMs,
  duration_ms: attempt.durationMs,
  http_status: attempt.httpStatus,
  error:
    attempt.errorCode === null ? null : { code: attempt.errorCode, message: attempt.errorMessage ?? attempt.errorCode },
  answer: attempt.answer,
});
