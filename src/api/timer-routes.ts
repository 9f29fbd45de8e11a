import type { Express } from 'express';
import type { Clock } from '../platform/index.ts';
import type { TimerStore } from '../timers/index.ts';
import type { Admission } from './admission.ts';
import { sendJson } from './answer.ts';
import { allowOnly } from './allow-only.ts';
import { batchHandler } from './batch.ts';
import type { BodyBudget } from './body-budget.ts';
import { byKeyHandlers } from './by-key.ts';
import { createChangeOwn } from './change-own.ts';
import { createClientHandlers, type ClientHandlerDeps } from './client-handlers.ts';
import { createFindOwn } from './find-own.ts';
import { idempotencyKeyOf } from './idempotency.ts';
import { importHandler } from './import.ts';
import { newTimer } from './new-timer.ts';
import { MAX_TIMER_BYTES, readJson } from './read-json.ts';
import { createSchedule, type ScheduleDeps } from './schedule.ts';
import { answerTo, sendTimer } from './timer-answer.ts';
import { viewTimer } from './timer-view.ts';
import { validate } from './validate.ts';

/** The first is canonical; the others are those of the systems that this one replaces. */
const PATHS = ['/timers', '/timer', '/api/v1/timers'];

export function mountTimers(
  app: Express,
  deps: ScheduleDeps &
    Omit<ClientHandlerDeps, 'findOwn'> & {
      store: Pick<TimerStore, 'find' | 'findByKey'>;
      admit: Admission;
      bodies: BodyBudget;
      clock: Clock;
      isStopping: () => boolean;
    },
): void {
  const { store, storeClock, admit, bodies } = deps;
  const schedule = createSchedule(deps);
  const findOwn = createFindOwn({ store });
  const client = createClientHandlers({ ...deps, findOwn });

  const create = admit(async (req, res, { owner }) => {
    const idempotencyKey = idempotencyKeyOf(req.headers);
    const asked = validate(newTimer, await readJson(req, { maxBytes: MAX_TIMER_BYTES, bodies }));
    const entry = schedule.take(asked, { owner, idempotencyKey });
    sendTimer(res, answerTo(await schedule.storeOne(entry), { now: entry.order.createdAt }));
  });

  const read = admit(async (req, res, caller) => {
    const timer = await findOwn(req.params.id, caller);
    sendJson(res, { status: 200, body: viewTimer(timer, { now: Math.ceil(storeClock.now()) }) });
  });

  const batch = admit(batchHandler({ schedule, bodies }));
  const importLines = admit(importHandler({ ...deps, schedule }));
  const byKey = byKeyHandlers({ ...deps, schedule, changeOwn: createChangeOwn({ ...deps, findOwn }) });

  for (const path of PATHS) {
    app.route(path).get(client.list).post(create).all(allowOnly('GET', 'POST'));
    app.route(`${path}/batch`).post(batch).all(allowOnly('POST'));
    app.route(`${path}/import`).post(importLines).all(allowOnly('POST'));
    app
      .route(`${path}/by-key/:key`)
      .get(admit(byKey.read))
      .put(admit(byKey.put))
      .delete(admit(byKey.remove))
      .all(allowOnly('GET', 'PUT', 'DELETE'));
    app.route(`${path}/cancel`).post(client.cancelAll).all(allowOnly('POST'));
    app.route(`${path}/replay`).post(client.replayAll).all(allowOnly('POST'));
    app
      .route(`${path}/:id`)
      .get(read)
      .patch(client.patch)
      .delete(client.cancel)
      .all(allowOnly('GET', 'PATCH', 'DELETE'));
    app.route(`${path}/:id/fire`).post(client.fire).all(allowOnly('POST'));
    app.route(`${path}/:id/extend`).post(client.extend).all(allowOnly('POST'));
    app.route(`${path}/:id/replay`).post(client.replay).all(allowOnly('POST'));
    app.route(`${path}/:id/attempts`).get(client.attempts).all(allowOnly('GET'));
    app.route(`${path}/:id/wait`).get(client.wait).all(allowOnly('GET'));
    app.route(`${path}/:id/payload`).delete(client.erasePayload).all(allowOnly('DELETE'));
  }
}
