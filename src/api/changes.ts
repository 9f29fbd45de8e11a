import type { Request } from 'express';
import type { CallerHandler } from './admission.ts';
import type { BodyBudget } from './body-budget.ts';
import type { ChangeOwn, Decide } from './change-own.ts';
import { extendTimer, patchTimer, type PatchRules } from './patch-timer.ts';
import { MAX_TIMER_BYTES, readJson } from './read-json.ts';
import { sendTimer } from './timer-answer.ts';
import { cancel, fire, replay } from './timer-moves.ts';
import { extension, timerPatch } from './timer-patch.ts';
import { validate } from './validate.ts';

export interface ChangeHandlers {
  patch: CallerHandler;
  cancel: CallerHandler;
  fire: CallerHandler;
  extend: CallerHandler;
  replay: CallerHandler;
}

/** Changes of one timer; each answers with the timer as it stands then. */
export function changeHandlers(
  deps: PatchRules & { changeOwn: ChangeOwn; storeClock: { now(): number }; bodies: BodyBudget },
): ChangeHandlers {
  const { changeOwn, storeClock, bodies } = deps;

  const changing =
    (decideFor: (req: Request) => Decide | Promise<Decide>): CallerHandler =>
    async (req, res, caller) => {
      const timer = await changeOwn(req.params.id, caller, await decideFor(req));
      sendTimer(res, timer, { storeClock });
    };

  return {
    patch: changing(async (req) => {
      const asked = validate(timerPatch, await readJson(req, { maxBytes: MAX_TIMER_BYTES, bodies }));
      return patchTimer(asked, deps);
    }),
    extend: changing(async (req) => {
      const body = hasBody(req) ? await readJson(req, { maxBytes: MAX_TIMER_BYTES, bodies }) : {};
      return extendTimer(validate(extension, body), deps);
    }),
    cancel: changing(() => cancel),
    fire: changing(() => fire),
    replay: changing(() => replay),
  };
}

/** RFC 9112 §6.3: a request has a body if one of these headers says so. */
const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
