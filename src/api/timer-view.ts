import { z } from 'zod';
import { maskSecrets } from './header-fields.ts';
import { DELIVERIES, FAILURE_REASONS, HTTP_METHODS, isFinished, TIMER_STATUSES, type Timer } from '../timers/index.ts';

const instant = z.string().meta({ format: 'date-time' });

/** The one timer object of every answer. */
export const timerView = z
  .strictObject({
    id: z.string().meta({ format: 'uuid' }),
    status: z.enum(TIMER_STATUSES),
    reason: z.enum(FAILURE_REASONS).nullable().meta({ description: 'Why it failed.' }),
    time_left: z.int().min(0).meta({ description: 'Whole seconds to `due_at`, rounded up; 0 from then on.' }),
    due_at: instant,
    next_attempt_at: instant.nullable().meta({ description: 'Null once finished.' }),
    url: z.string().meta({ description: 'As it was sent.' }),
    method: z.enum(HTTP_METHODS),
    headers: z.record(z.string(), z.string()).nullable(),
    label: z.string().nullable(),
    metadata: z.record(z.string(), z.string()).nullable(),
    key: z.string().nullable(),
    delivery: z.enum(DELIVERIES),
    attempts: z.int().min(0).meta({ description: 'Calls made that came to an outcome.' }),
    max_attempts: z.int().min(1),
    lateness_ms: z.int().nullable().meta({
      description: 'When the first call was sent, minus `due_at`, or minus `created_at` where that is later.',
    }),
    last_error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    created_at: instant,
    finished_at: instant.nullable(),
  })
  .meta({ id: 'Timer' });

export type TimerView = z.infer<typeof timerView>;

/** `now` is epoch ms by the store's clock. */
export function viewTimer(timer: Timer, { now }: { now: number }): TimerView {
  const finished = isFinished(timer.status);
  return {
    id: timer.id,
    status: timer.status,
    reason: timer.status === 'failed' ? timer.reason : null,
    time_left: finished ? 0 : Math.max(0, Math.ceil((timer.dueAt - now) / 1000)),
    due_at: isoOf(timer.dueAt),
    next_attempt_at: finished ? null : isoOf(timer.nextAttemptAt),
    url: timer.url,
    method: timer.method,
    headers: maskSecrets(timer.headers),
    label: timer.label,
    metadata: timer.metadata,
    key: timer.key,
    delivery: timer.delivery,
    attempts: timer.attempts,
    max_attempts: timer.maxAttempts,
    lateness_ms: timer.latenessMs,
    last_error:
      timer.errorCode === null ? null : { code: timer.errorCode, message: timer.errorMessage ?? timer.errorCode },
    created_at: isoOf(timer.createdAt),
    finished_at: finished ? isoOf(timer.wakeAt) : null,
  };
}

/** The two told last: the timers of a list or a batch were mostly made, or are due, in the same instants. */
const told = [
  { epochMs: NaN, text: '' },
  { epochMs: NaN, text: '' },
];

function isoOf(epochMs: number): string {
  const known = told.find((instant) => instant.epochMs === epochMs);
  if (known !== undefined) return known.text;
  const text = new Date(epochMs).toISOString();
  told.shift();
  told.push({ epochMs, text });
  return text;
}
