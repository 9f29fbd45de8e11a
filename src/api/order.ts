import type { TargetPolicy, TimerOrder } from '../timers/index.ts';
import { newId } from './new-id.ts';
import type { NewTimer } from './new-timer.ts';
import { Problem } from './problem.ts';
import { webhookOf, type WebhookRules } from './webhook-of.ts';
import { resolveDue } from './when.ts';

export interface OrderRules extends WebhookRules {
  targets: TargetPolicy;
  maxDelayMs: number;
  /** For a timer that names no number of its own. */
  maxAttempts: number;
}

/** The order that a request stands for. Throws a `Problem` at the field that this service does not take. */
export function orderOf(
  asked: NewTimer,
  rules: OrderRules,
  { owner, key, createdAt }: { owner: string | null; key: string | null; createdAt: number },
): TimerOrder {
  const { targets, maxDelayMs, maxAttempts } = rules;
  refuseTarget(asked.url, targets);
  const delivery = asked.delivery ?? 'at_least_once';
  return {
    id: newId(createdAt),
    action: 'webhook',
    owner,
    label: asked.label ?? null,
    key,
    metadata: asked.metadata ?? null,
    ...resolveDue(asked, { createdAt, maxDelayMs }),
    createdAt,
    url: asked.url,
    ...webhookOf(asked, rules),
    maxAttempts: delivery === 'at_most_once' ? 1 : (asked.max_attempts ?? maxAttempts),
    retry: asked.retry ?? null,
    delivery,
    expiresAfterMs: asked.expires_after_ms ?? null,
  };
}

function refuseTarget(url: string, targets: TargetPolicy): void {
  const refusal = targets.refusalOf(url);
  if (refusal === undefined) return;
  throw new Problem('target_not_allowed', refusal, { errors: [{ pointer: '/url', message: refusal }] });
}
