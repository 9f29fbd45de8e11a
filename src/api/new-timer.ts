import { z } from 'zod';
import { refuseContradictions, requestFields } from './request-fields.ts';
import { refuseTwoWays, whenFields } from './when.ts';

const LONGEST_URL = 2048;
/** Printable ASCII without blanks or backslashes, which URL parsers drop or turn silently; the store keeps ASCII too. */
const HTTP_URL = /^https?:\/\/[!-[\]-~]+$/i;

const fields = {
  url: z
    .string()
    .max(LONGEST_URL)
    .refine((url) => HTTP_URL.test(url), {
      error: 'must be an http:// or https:// URL in printable ASCII (percent-encode the rest, punycode for host names)',
      abort: true,
    })
    .refine((url) => URL.canParse(url), { error: 'must be a URL that can be parsed' })
    .meta({
      format: 'uri',
      description: 'What to call when the time comes; the id of the timer is appended to its path.',
    }),
  ...whenFields,
  ...requestFields,
};

/** The body of `POST /timers`. */
export const newTimer = z.strictObject(fields).check(refuseTwoWays).check(refuseContradictions).meta({
  id: 'NewTimer',
  description:
    'Say when in one way: the three numbers, `delay_ms`, `delay`, `due_at`, or `due_at_local` with `timezone`; without any: now.',
});

export type NewTimer = z.infer<typeof newTimer>;

export const KEY_RULE = 'must be 1 to 255 characters of printable ASCII without blanks, and not a dot or two';

/** What a client may choose as the name of its timer; it goes into a path, where dots alone mean another one. */
export const timerKey = z.string().regex(/^(?!\.{1,2}$)[!-~]{1,255}$/, { error: KEY_RULE });

export const idempotencyKey = z
  .string()
  .regex(/^[ -~]{1,255}$/, { error: 'must be 1 to 255 characters of printable ASCII' });

/** One of many: what is told in the path and in headers of a request of its own is told beside the other fields. */
export const newTimerItem = z
  .strictObject({
    ...fields,
    key: timerKey.optional().meta({ description: 'As in `PUT /timers/by-key/{key}`.' }),
    idempotency_key: idempotencyKey.optional().meta({ description: 'As the header `Idempotency-Key`.' }),
  })
  .check(refuseTwoWays)
  .check(refuseContradictions)
  .meta({ id: 'NewTimerItem', description: 'A `NewTimer`, with keys of its own where it needs them.' });
