import { z } from 'zod';

/** What a receiver gets at most, bytes. Spelled in base64, and with JSON around it, that still fits a request. */
export const LARGEST_BODY = 65_536;
/** Serialising is recursive and would run out of stack some thousand levels down. */
const DEEPEST_JSON = 100;
/** RFC 9110 §8.3.1, with the parameters left to the receiver. */
const CONTENT_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?:[ \t]*;[\t -~]*[!-~])?$/;
/** RFC 4648 §4, with its padding. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The fields by which a client says what to send. */
export const bodyFields = {
  body: z
    .custom<unknown>()
    .check(({ value, issues }) => {
      const message = jsonFault(value);
      if (message !== undefined) issues.push({ code: 'custom', input: value, message });
    })
    .optional()
    .meta({ override: {}, description: 'Any JSON, sent in place of `{"id":"<id>"}`. At most 64 KiB.' }),
  body_text: z
    .string()
    .max(LARGEST_BODY)
    .refine((text) => text.isWellFormed(), { error: 'must be well-formed Unicode' })
    .optional()
    .meta({ description: 'Text, sent as it is in UTF-8. At most 64 KiB.' }),
  body_base64: z
    .string()
    .refine((text) => BASE64.test(text), { error: 'must be base64 (RFC 4648 §4, with padding)' })
    .optional()
    .meta({ override: { type: 'string', contentEncoding: 'base64' }, description: 'Any bytes. At most 64 KiB.' }),
  content_type: z
    .string()
    .max(255)
    .refine((text) => CONTENT_TYPE.test(text), { error: 'must be a media type, such as text/plain; charset=utf-8' })
    .optional()
    .meta({
      description:
        'Of that body. If not said: `application/json`, `text/plain; charset=utf-8` or `application/octet-stream`.',
    }),
};

export type BodyFields = z.infer<z.ZodObject<typeof bodyFields>>;

/** What would not arrive as it was meant: too deep to serialise, or a number that JSON.parse has changed already. */
function jsonFault(body: unknown): string | undefined {
  let level = [body];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST_JSON) return `must not be nested deeper than ${DEEPEST_JSON} levels`;
    if (level.some(isDistorted)) {
      return 'has a number beyond 2^53, which would be sent rounded; send such JSON as "body_text" with its "content_type"';
    }
    level = level.flatMap((value): unknown[] =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
  return undefined;
}

const isDistorted = (value: unknown): boolean => typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
