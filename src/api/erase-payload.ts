import { Refusal, type TimerStore } from '../timers/index.ts';
import type { CallerHandler } from './admission.ts';
import type { FindOwn } from './find-own.ts';
import { sendTimer } from './timer-answer.ts';

/** `DELETE /timers/:id/payload`. */
export function erasePayloadHandler(deps: {
  store: Pick<TimerStore, 'erasePayload'>;
  findOwn: FindOwn;
  storeClock: { now(): number };
}): CallerHandler {
  const { store, findOwn, storeClock } = deps;

  return async (req, res, caller) => {
    const { id } = await findOwn(req.params.id, caller);
    const timer = await store.erasePayload(id);
    if (timer === undefined) {
      throw new Refusal(
        'not_finished',
        'The timer still needs its payload; cancel it first, or wait until it is finished.',
      );
    }
    sendTimer(res, timer, { storeClock });
  };
}
