import { z } from 'zod';
import { parseInstant } from './instant.ts';
import { Problem } from './problem.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SECOND_MS = 1000;

const count = z.int().min(0);

/** The fields by which a client says when. */
export const whenFields = {
  hours: count.optional().meta({ description: 'Together with `minutes` and `seconds`; each defaults to 0.' }),
  minutes: count.optional().meta({ description: '90 is as good as an hour and a half.' }),
  seconds: count.optional().meta({ description: '90 is as good as a minute and a half.' }),
  delay_ms: count.optional().meta({ description: 'Milliseconds from now.' }),
  due_at: z
    .string()
    .refine((text) => parseInstant(text) !== undefined, {
      error: 'must be an RFC 3339 instant with an offset or Z, such as 2030-12-31T23:59:59Z',
    })
    .optional()
    .meta({
      format: 'date-time',
      description: 'An instant (RFC 3339, with an offset or `Z`). One in the past is kept and fires at once.',
    }),
};

export type When = z.infer<z.ZodObject<typeof whenFields>>;

/** Every way of saying when, by its fields; a request may use one. */
const WAYS: (keyof When)[][] = [['hours', 'minutes', 'seconds'], ['delay_ms'], ['due_at']];

/** A check for the schema that has these fields. */
export function refuseTwoWays(context: z.core.ParsePayload<When>): void {
  const used = WAYS.flatMap((way) => way.find((field) => context.value[field] !== undefined) ?? []);
  const [first, ...others] = used;
  for (const other of others) {
    context.issues.push({
      code: 'custom',
      input: context.value,
      path: [other],
      message: `says when a second time: "${String(first)}" is given too; use one of them`,
    });
  }
}

/**
 * When the timer is due (epoch ms) and how long that is from its creation. Without any of the fields: now. Throws a
 * `Problem` at the field that reaches beyond the horizon.
 */
export function resolveDue(
  when: When,
  { createdAt, maxDelayMs }: { createdAt: number; maxDelayMs: number },
): { dueAt: number; delayMs: number } {
  const terms = delayTerms(when, createdAt);
  const delayMs = terms.reduce((sum, { ms }) => sum + ms, 0);
  if (delayMs > maxDelayMs) {
    const [longest] = terms.toSorted((a, b) => b.ms - a.ms);
    const message = `reaches further than ${maxDelayMs / 24 / HOUR_MS} days ahead, the furthest this service goes`;
    throw new Problem('invalid_request', `"${String(longest?.field)}" ${message}.`, {
      errors: [{ pointer: `/${String(longest?.field)}`, message }],
    });
  }
  return { dueAt: createdAt + delayMs, delayMs: Math.max(0, delayMs) };
}

function delayTerms(when: When, createdAt: number): { field: keyof When; ms: number }[] {
  const dueAt = when.due_at === undefined ? undefined : parseInstant(when.due_at);
  return [
    { field: 'hours', ms: (when.hours ?? 0) * HOUR_MS },
    { field: 'minutes', ms: (when.minutes ?? 0) * MINUTE_MS },
    { field: 'seconds', ms: (when.seconds ?? 0) * SECOND_MS },
    { field: 'delay_ms', ms: when.delay_ms ?? 0 },
    { field: 'due_at', ms: dueAt === undefined ? 0 : dueAt - createdAt },
  ];
}
