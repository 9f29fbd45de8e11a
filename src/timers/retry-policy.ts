import type { RetryPlan } from './timer.ts';

const DEFAULT_PLAN = { base_ms: 5_000, cap_ms: 3_600_000 };
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/**
 * How long to wait after the given attempt (counted from 1), milliseconds. Exponential with factor 2 and full jitter, so
 * that the many timers which one outage failed together do not come back together; a receiver's `Retry-After` can only
 * lengthen it, up to an hour.
 */
export function retryDelayMs(deps: {
  attempt: number;
  plan: RetryPlan | null;
  retryAfterMs: number | null;
  random: () => number;
}): number {
  const { attempt, retryAfterMs, random } = deps;
  const plan = deps.plan ?? DEFAULT_PLAN;
  const own =
    'delays_ms' in plan
      ? (plan.delays_ms[Math.min(attempt, plan.delays_ms.length) - 1] ?? 0)
      : random() * Math.min(plan.base_ms * 2 ** (attempt - 1), plan.cap_ms);
  return Math.ceil(Math.max(own, Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS)));
}
