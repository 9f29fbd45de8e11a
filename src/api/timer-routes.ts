import type { Express } from 'express';
import { validate as isUuid } from 'uuid';
import type { TimerStore } from '../timers/index.ts';
import type { Admission } from './admission.ts';
import { sendJson } from './answer.ts';
import { allowOnly } from './allow-only.ts';
import { newTimer } from './new-timer.ts';
import { Problem } from './problem.ts';
import { readJson } from './read-json.ts';
import { createSchedule, type ScheduleDeps } from './schedule.ts';
import { viewTimer } from './timer-view.ts';
import { validate } from './validate.ts';

/** The first is canonical; the others are those of the systems that this one replaces. */
const PATHS = ['/timers', '/timer', '/api/v1/timers'];
const MAX_BODY_BYTES = 128 * 1024;

export function mountTimers(
  app: Express,
  deps: ScheduleDeps & { store: Pick<TimerStore, 'insert' | 'find'>; admit: Admission },
): void {
  const { store, storeClock, admit } = deps;
  const schedule = createSchedule(deps);

  const create = admit(async (req, res, caller) => {
    const asked = validate(newTimer, await readJson(req, { maxBytes: MAX_BODY_BYTES }));
    const timer = await schedule(asked, caller);
    sendJson(res, {
      status: 201,
      headers: { Location: `/timers/${timer.id}` },
      // As of its creation, so that the time left is what was asked for and not a second more or less.
      body: viewTimer(timer, { now: timer.createdAt }),
    });
  });

  const read = admit(async (req, res, caller) => {
    const { id } = req.params as { id: string };
    const timer = isUuid(id) ? await store.find(id.toLowerCase()) : undefined;
    if (!timer || !(caller.seesAll || timer.owner === caller.owner)) {
      throw new Problem('not_found', 'There is no timer of yours with this id.');
    }
    sendJson(res, { status: 200, body: viewTimer(timer, { now: Math.ceil(storeClock.now()) }) });
  });

  for (const path of PATHS) {
    app.route(path).post(create).all(allowOnly('POST'));
    app.route(`${path}/:id`).get(read).all(allowOnly('GET'));
  }
}
