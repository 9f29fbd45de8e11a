import { z } from 'zod';
import { parseDelay } from './delay.ts';
import { instantField, parseInstant } from './instant.ts';
import { instantOfLocalTime, isLocalTime, isTimeZone } from './local-time.ts';
import { faultAt } from './validate.ts';

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
  delay: z
    .string()
    .max(64)
    .refine((text) => parseDelay(text) !== undefined, {
      error: 'must be a duration such as 1d2h30m or PT26H30M; years and months have no fixed length and are not taken',
    })
    .optional()
    .meta({
      description:
        'From now: units `w d h m s ms` in this order, or ISO 8601 with weeks, days and time. A day is 24 hours.',
      examples: ['1d2h30m', 'PT90S'],
    }),
  due_at: instantField.optional().meta({
    description: 'An instant (RFC 3339, with an offset or `Z`). One in the past is kept and fires at once.',
  }),
  due_at_local: z
    .string()
    .refine(isLocalTime, { error: 'must be a date and time without an offset, such as 2030-12-31T23:59:59' })
    .optional()
    .meta({
      description:
        'What the clock on the wall shows, together with `timezone`. A time that a clock change skips stands for the ' +
        'first moment after it; of one that occurs twice the earlier is meant.',
      examples: ['2030-12-31T09:00:00'],
    }),
  timezone: z
    .string()
    .refine(isTimeZone, { error: 'must be the name of a time zone in the IANA database, such as Europe/Berlin' })
    .optional()
    .meta({ description: 'Where that clock hangs (IANA name).', examples: ['Europe/Berlin'] }),
};

export type When = z.infer<z.ZodObject<typeof whenFields>>;

/** Every way of saying when, by its fields; a request may use one. */
const WAYS: (keyof When)[][] = [
  ['hours', 'minutes', 'seconds'],
  ['delay_ms'],
  ['delay'],
  ['due_at'],
  ['due_at_local', 'timezone'],
];

/** A check for the schema that has these fields. */
export function refuseTwoWays(context: z.core.ParsePayload<When>): void {
  const { value } = context;
  const refuse = (field: keyof When, message: string) =>
    context.issues.push({ code: 'custom', input: value, path: [field], message });

  let first: keyof When | undefined;
  for (const way of WAYS) {
    const used = way.find((field) => value[field] !== undefined);
    if (first === undefined) first = used;
    else if (used !== undefined) refuse(used, `says when a second time: "${first}" is given too; use one of them`);
  }
  if (value.due_at_local !== undefined && value.timezone === undefined) {
    refuse('timezone', 'is required with "due_at_local"');
  }
  if (value.timezone !== undefined && value.due_at_local === undefined) {
    refuse('due_at_local', 'is required with "timezone"');
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
  let delayMs = 0;
  for (const field of TERMS) delayMs += terms[field];
  if (delayMs > maxDelayMs) {
    const longest = TERMS.reduce((a, b) => (terms[b] > terms[a] ? b : a));
    const days = maxDelayMs / 24 / HOUR_MS;
    throw faultAt([longest], `reaches further than ${days} days ahead, the furthest this service goes`);
  }
  return { dueAt: createdAt + delayMs, delayMs: Math.max(0, delayMs) };
}

const TERMS = ['hours', 'minutes', 'seconds', 'delay_ms', 'delay', 'due_at', 'due_at_local'] as const;

/** How far each of them is from `createdAt`, milliseconds. */
function delayTerms(when: When, createdAt: number): Record<(typeof TERMS)[number], number> {
  const { hours = 0, minutes = 0, seconds = 0, delay_ms = 0, delay, due_at, due_at_local, timezone } = when;
  const until = (instant: number | undefined) => (instant === undefined ? 0 : instant - createdAt);
  return {
    hours: hours * HOUR_MS,
    minutes: minutes * MINUTE_MS,
    seconds: seconds * SECOND_MS,
    delay_ms,
    delay: delay === undefined ? 0 : (parseDelay(delay) ?? 0),
    due_at: until(due_at === undefined ? undefined : parseInstant(due_at)),
    due_at_local:
      due_at_local === undefined || timezone === undefined ? 0 : until(instantOfLocalTime(due_at_local, timezone)),
  };
}
