import { z } from 'zod';
import { DELIVERIES, HTTP_METHODS } from '../timers/index.ts';
import { bodyFields } from './body-fields.ts';
import { headerFields } from './header-fields.ts';
import { metadataField } from './metadata-field.ts';

const WEEK_MS = 604_800_000;
const TEN_YEARS_MS = 315_360_000_000;
const LABEL_RULE = 'must be text without control characters';

const retryDelay = z.int().min(0).max(WEEK_MS);

/** The fields by which a client says how to call, how often, and how to find the timer again. */
export const requestFields = {
  method: z.enum(HTTP_METHODS).optional().meta({ description: '`POST` if not said.' }),
  headers: headerFields.optional(),
  ...bodyFields,
  append_id: z
    .boolean()
    .optional()
    .meta({ description: 'Whether the id is appended to the path; `true` if not said.' }),
  timeout_ms: z.int().min(10).optional().meta({ description: 'Deadline of each call.' }),
  max_attempts: z.int().min(1).max(1000).optional().meta({ description: 'Calls at most.' }),
  retry: z
    .union(
      [
        z
          .strictObject({ base_ms: z.int().min(1).max(WEEK_MS), cap_ms: retryDelay })
          .refine(({ base_ms, cap_ms }) => base_ms <= cap_ms, { error: 'needs a cap_ms no smaller than its base_ms' }),
        z.strictObject({ delays_ms: z.array(retryDelay).min(1).max(100) }),
      ],
      { error: 'must be { "base_ms", "cap_ms" } or { "delays_ms": […] }, in whole milliseconds up to 7 days' },
    )
    .optional()
    .meta({
      description:
        'How long to wait between calls: doubling from a base up to a cap, with full jitter, or delay by delay, the last repeating.',
    }),
  delivery: z
    .enum(DELIVERIES)
    .optional()
    .meta({ description: '`at_most_once`: called once or not at all, and `unknown` where nobody can tell.' }),
  expires_after_ms: z.int().min(1).max(TEN_YEARS_MS).optional().meta({
    description: 'Counted from due. A call that would come later than this is not made: `failed`, `expired`.',
  }),
  label: z
    .string()
    .min(1, { error: LABEL_RULE })
    .max(128)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), {
      error: LABEL_RULE,
    })
    .optional()
    .meta({ description: 'To find the timer by.' }),
  metadata: metadataField.optional(),
};

export type RequestFields = z.infer<z.ZodObject<typeof requestFields>>;

/** A check for the schema that has these fields: what each of them allows, and together cannot be meant. */
export function refuseContradictions(context: z.core.ParsePayload<RequestFields>): void {
  const { value } = context;
  const refuse = (field: keyof RequestFields, message: string) =>
    context.issues.push({ code: 'custom', input: value, path: [field], message });

  const [body, ...others] = (['body', 'body_text', 'body_base64'] as const).filter((name) => value[name] !== undefined);
  for (const other of others) refuse(other, `is a second body: "${String(body)}" is given too; use one of them`);
  if (body !== undefined && value.method === 'GET') refuse(body, 'cannot be sent with GET');
  if (value.content_type !== undefined) {
    if (body === undefined) refuse('content_type', 'tells of a body, and none is given');
    if (Object.keys(value.headers ?? {}).some((name) => name.toLowerCase() === 'content-type')) {
      refuse('content_type', 'is given a second time among the headers');
    }
  }
  if (value.delivery === 'at_most_once') {
    if (value.retry !== undefined) refuse('retry', 'has no meaning with at_most_once, which is never tried again');
    if ((value.max_attempts ?? 1) > 1)
      refuse('max_attempts', 'must be 1 with at_most_once, which is never tried again');
  }
}
