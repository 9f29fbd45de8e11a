import { z } from 'zod';
import { isFinished } from '../timers/index.ts';
import type { CallerHandler } from './admission.ts';
import type { FindOwn } from './find-own.ts';
import { sendTimer } from './timer-answer.ts';
import { validate } from './validate.ts';
import type { Waiters } from './waiters.ts';
import { wholeNumber } from './whole-number.ts';

export const waitQuery = z.strictObject({
  timeout: wholeNumber({ noun: 'a whole number of seconds', min: 1, max: 60, default: 30 }).meta({
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
