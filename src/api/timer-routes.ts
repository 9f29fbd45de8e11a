import type { Express } from 'express';
import type { Admission } from './admission.ts';
import { allowOnly } from './allow-only.ts';
import type { ApiDeps } from './api.ts';
import { attemptsHandler } from './attempts.ts';
import { batchHandler } from './batch.ts';
import type { BodyBudget } from './body-budget.ts';
import { bulkHandlers } from './bulk.ts';
import { byKeyHandlers } from './by-key.ts';
import { createChangeOwn } from './change-own.ts';
import { changeHandlers } from './changes.ts';
import { erasePayloadHandler } from './erase-payload.ts';
import { createFindOwn } from './find-own.ts';
import { idempotencyKeyOf } from './idempotency.ts';
import { importHandler } from './import.ts';
import type { Cursors } from './list-cursor.ts';
import { listHandler } from './lists.ts';
import { newTimer } from './new-timer.ts';
import { MAX_TIMER_BYTES, readJson } from './read-json.ts';
import { createSchedule } from './schedule.ts';
import { answerTo, sendAnswer, sendTimer } from './timer-answer.ts';
import { validate } from './validate.ts';
import { waitHandler } from './wait.ts';
import type { Waiters } from './waiters.ts';

/** The first is canonical; the others are those of the systems that this one replaces. */
const PATHS = ['/timers', '/timer', '/api/v1/timers'];

export function mountTimers(
  app: Express,
  deps: ApiDeps & {
    admit: Admission;
    bodies: BodyBudget;
    cursors: Cursors;
    waiters: Waiters;
    isStopping: () => boolean;
  },
): void {
  const { storeClock, admit, bodies } = deps;
  const schedule = createSchedule(deps);
  const findOwn = createFindOwn(deps);
  const changeOwn = createChangeOwn({ ...deps, findOwn });
  const wired = { ...deps, schedule, findOwn, changeOwn };

  const create = admit(async (req, res, { owner }) => {
    const idempotencyKey = idempotencyKeyOf(req.headers);
    const asked = validate(newTimer, await readJson(req, { maxBytes: MAX_TIMER_BYTES, bodies }));
    const entry = schedule.take(asked, { owner, idempotencyKey });
    sendAnswer(res, answerTo(await schedule.storeOne(entry), { now: entry.order.createdAt }));
  });

  const read = admit(async (req, res, caller) => {
    sendTimer(res, await findOwn(req.params.id, caller), { storeClock });
  });

  const list = admit(listHandler(wired));
  const batch = admit(batchHandler(wired));
  const importLines = admit(importHandler(wired));
  const attempts = admit(attemptsHandler(wired));
  const wait = admit(waitHandler(wired));
  const erasePayload = admit(erasePayloadHandler(wired));
  const byKey = byKeyHandlers(wired);
  const bulk = bulkHandlers(wired);
  const change = changeHandlers(wired);

  for (const path of PATHS) {
    app.route(path).get(list).post(create).all(allowOnly('GET', 'POST'));
    app.route(`${path}/batch`).post(batch).all(allowOnly('POST'));
    app.route(`${path}/import`).post(importLines).all(allowOnly('POST'));
    app
      .route(`${path}/by-key/:key`)
      .get(admit(byKey.read))
      .put(admit(byKey.put))
      .delete(admit(byKey.remove))
      .all(allowOnly('GET', 'PUT', 'DELETE'));
    app.route(`${path}/cancel`).post(admit(bulk.cancel)).all(allowOnly('POST'));
    app.route(`${path}/replay`).post(admit(bulk.replay)).all(allowOnly('POST'));
    app
      .route(`${path}/:id`)
      .get(read)
      .patch(admit(change.patch))
      .delete(admit(change.cancel))
      .all(allowOnly('GET', 'PATCH', 'DELETE'));
    app.route(`${path}/:id/fire`).post(admit(change.fire)).all(allowOnly('POST'));
    app.route(`${path}/:id/extend`).post(admit(change.extend)).all(allowOnly('POST'));
    app.route(`${path}/:id/replay`).post(admit(change.replay)).all(allowOnly('POST'));
    app.route(`${path}/:id/attempts`).get(attempts).all(allowOnly('GET'));
    app.route(`${path}/:id/wait`).get(wait).all(allowOnly('GET'));
    app.route(`${path}/:id/payload`).delete(erasePayload).all(allowOnly('DELETE'));
  }
}
