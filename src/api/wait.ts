import { z } from 'zod';
import { isFinished } from '../timers/index.ts';
import type { CallerHandler } from './admission.ts';
import type { FindOwn } from './find-own.ts';
import { sendTimer } from './timer-answer.ts';
import { validate } from './validate.ts';
import type { Waiters } from './waiters.ts';

const MAX_SECONDS = 60;
const TIMEOUT_MESSAGE = `must be a whole number of seconds from 1 to ${MAX_SECONDS}`;

export const waitQuery = z.strictObject({
  timeout: z
    .string()
    .regex(/^\d{1,2}$/, { error: TIMEOUT_MESSAGE, abort: true })
    .transform(Number)
    .refine((seconds) => seconds >= 1 && seconds <= MAX_SECONDS, { error: TIMEOUT_MESSAGE })
    .prefault('30')
    .meta({
      override: { type: 'integer', minimum: 1, maximum: MAX_SECONDS, default: 30 },
      description: 'Seconds to wait at most.',
    }),
});

/** `GET /timers/:id/wait`. */
export function waitHandler(deps: {
  waiters: Waiters;
  findOwn: FindOwn;
  storeClock: { now(): number };
}): CallerHandler {
  const { waiters, findOwn, storeClock } = deps;

  return async (req, res, caller) => {
    const { timeout } = validate(waitQuery, req.query);
    const seen = await findOwn(req.params.id, caller);
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const finished = isFinished(seen.status)
      ? seen
      : await waiters.wait(seen.id, { timeoutMs: timeout * 1000, signal: gone.signal });
    if (gone.signal.aborted) return;
    sendTimer(res, finished ?? (await findOwn(seen.id, caller)), { storeClock });
  };
}
