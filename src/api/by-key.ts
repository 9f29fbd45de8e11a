import type { Request } from 'express';
import type { Timer, TimerStore } from '../timers/index.ts';
import type { CallerHandler } from './admission.ts';
import type { Caller } from './authenticate.ts';
import type { BodyBudget } from './body-budget.ts';
import type { ChangeOwn } from './change-own.ts';
import { idempotencyKeyOf } from './idempotency.ts';
import { KEY_RULE, newTimer, timerKey } from './new-timer.ts';
import { Problem } from './problem.ts';
import { MAX_TIMER_BYTES, readJson } from './read-json.ts';
import type { Schedule } from './schedule.ts';
import { answerTo, sendAnswer, sendTimer } from './timer-answer.ts';
import { cancel } from './timer-moves.ts';
import { validate } from './validate.ts';

/** `/timers/by-key/:key`: a timer under the name that its client chose. Every owner has names of its own. */
export function byKeyHandlers(deps: {
  schedule: Schedule;
  store: Pick<TimerStore, 'findByKey'>;
  storeClock: { now(): number };
  changeOwn: ChangeOwn;
  bodies: BodyBudget;
}): Record<'put' | 'read' | 'remove', CallerHandler> {
  const { schedule, store, storeClock, changeOwn, bodies } = deps;

  async function find(req: Request, { owner }: Caller): Promise<Timer> {
    const { success, data: key } = timerKey.safeParse(req.params.key);
    const timer = success ? await store.findByKey({ owner, key }) : undefined;
    if (!timer) throw new Problem('not_found', 'There is no timer of yours under this key.');
    return timer;
  }

  return {
    async put(req, res, { owner }) {
      const { success, data: key } = timerKey.safeParse(req.params.key);
      if (!success) throw new Problem('invalid_request', `The key in the path ${KEY_RULE}.`);
      const idempotencyKey = idempotencyKeyOf(req.headers);
      const asked = validate(newTimer, await readJson(req, { maxBytes: MAX_TIMER_BYTES, bodies }));
      const entry = schedule.take(asked, { owner, key, idempotencyKey });
      sendAnswer(res, answerTo(await schedule.storeOne(entry), { now: entry.order.createdAt }));
    },
    async read(req, res, caller) {
      sendTimer(res, await find(req, caller), { storeClock });
    },
    async remove(req, res, caller) {
      const { id } = await find(req, caller);
      sendTimer(res, await changeOwn(id, caller, cancel), { storeClock });
    },
  };
}
