import { z } from 'zod';
import { refuseTwoWays, whenFields } from './when.ts';

const LONGEST_URL = 2048;
/** Printable ASCII without blanks or backslashes, which URL parsers drop or turn silently; the store keeps ASCII too. */
const HTTP_URL = /^https?:\/\/[!-[\]-~]+$/i;

/** The body of `POST /timers`. */
export const newTimer = z
  .strictObject({
    url: z
      .string()
      .max(LONGEST_URL)
      .refine((url) => HTTP_URL.test(url), {
        error:
          'must be an http:// or https:// URL in printable ASCII (percent-encode the rest, punycode for host names)',
        abort: true,
      })
      .refine((url) => URL.canParse(url), { error: 'must be a URL that can be parsed' })
      .meta({
        format: 'uri',
        description: 'Where to POST when the time comes; the id of the timer is appended to its path.',
      }),
    ...whenFields,
  })
  .check(refuseTwoWays)
  .meta({ id: 'NewTimer', description: 'Say when in one way: the three numbers, `delay_ms` or `due_at`.' });

export type NewTimer = z.infer<typeof newTimer>;
