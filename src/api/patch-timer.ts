import type { Timer, TimerChange } from '../timers/index.ts';
import type { Decide } from './change-own.ts';
import type { OrderRules } from './order.ts';
import { moveTo, refuseUnlessWaiting } from './timer-moves.ts';
import { withoutNulls, type TimerPatch } from './timer-patch.ts';
import { faultAt } from './validate.ts';
import { webhookOf } from './webhook-of.ts';
import { resolveDue, whenFields, type When } from './when.ts';

export type PatchRules = Omit<OrderRules, 'targets'>;

/** What of a waiting timer is to be written for a `PATCH`. Throws a `Problem` at the field that does not fit the timer. */
export const patchTimer =
  (asked: TimerPatch, rules: PatchRules): Decide =>
  (timer, now) => {
    refuseUnlessWaiting(timer);
    return {
      ...(isTimed(asked) ? moveTo(resolveDue(asked, { ...rules, createdAt: now }).dueAt, now) : {}),
      ...callOf(asked, timer, rules),
      ...triesOf(asked, timer, rules),
      ...(asked.metadata === undefined ? {} : { metadata: asked.metadata }),
      ...(asked.expires_after_ms === undefined ? {} : { expiresAfterMs: asked.expires_after_ms }),
    };
  };

/** By the fields given, from now on, or by the delay that was first asked for. */
export const extendTimer =
  (asked: When, rules: Pick<PatchRules, 'maxDelayMs'>): Decide =>
  (timer, now) => {
    refuseUnlessWaiting(timer);
    const dueAt = isTimed(asked) ? resolveDue(asked, { ...rules, createdAt: now }).dueAt : now + timer.delayMs;
    return moveTo(dueAt, now);
  };

const isTimed = (asked: When): boolean =>
  (Object.keys(whenFields) as (keyof When)[]).some((field) => asked[field] !== undefined);

/** Headers given replace those that stand; the type of a body stays with the body. */
function callOf(asked: TimerPatch, timer: Timer, rules: PatchRules): TimerChange {
  const body = (['body', 'body_text', 'body_base64'] as const).find((field) => asked[field] !== undefined);
  const hasBody = body !== undefined;
  const standing = Object.entries(timer.headers ?? {});
  const type = standing.find(([name]) => name.toLowerCase() === 'content-type');
  const own =
    asked.headers === undefined ? standing.filter((header) => header !== type) : Object.entries(asked.headers ?? {});
  const typed = own.some(([name]) => name.toLowerCase() === 'content-type');
  const headers = Object.fromEntries(!hasBody && !typed && type && timer.body !== null ? [...own, type] : own);

  const call = webhookOf({ ...withoutNulls(asked), headers }, rules);
  if ((asked.method ?? timer.method) === 'GET' && (hasBody || timer.body !== null)) {
    throw faultAt([asked.method === undefined ? (body ?? 'body') : 'method'], 'would send a body with GET');
  }
  return {
    ...(asked.method === undefined ? {} : { method: call.method }),
    ...(asked.headers !== undefined || hasBody ? { headers: call.headers } : {}),
    ...(hasBody ? { body: call.body, bodyBytes: call.bodyBytes } : {}),
    ...(asked.append_id === undefined ? {} : { appendId: call.appendId }),
    ...(asked.timeout_ms === undefined ? {} : { timeoutMs: call.timeoutMs }),
  };
}

/** `at_most_once` means one attempt at all: it is too late for it once one may have been made. */
function triesOf(asked: TimerPatch, timer: Timer, rules: PatchRules): TimerChange {
  const { delivery = timer.delivery, max_attempts, retry } = asked;
  const isNew = delivery !== timer.delivery;
  if (delivery === 'at_most_once') {
    if ((max_attempts ?? 1) > 1)
      throw faultAt(['max_attempts'], 'must be 1 with at_most_once, which is never tried again');
    if (retry !== undefined && retry !== null) throw faultAt(['retry'], 'has no meaning with at_most_once');
    if (isNew && (timer.attempts > 0 || timer.lost > 0)) {
      throw faultAt(['delivery'], 'cannot become at_most_once any more: the timer may have been sent');
    }
    return isNew ? { delivery, maxAttempts: 1, retry: null } : {};
  }
  const isDefault = max_attempts === null || (isNew && max_attempts === undefined);
  return {
    ...(isNew ? { delivery } : {}),
    ...(isDefault || max_attempts !== undefined ? { maxAttempts: max_attempts ?? rules.maxAttempts } : {}),
    ...(retry === undefined ? {} : { retry }),
  };
}
