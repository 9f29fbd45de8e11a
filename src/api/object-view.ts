import { z } from 'zod';
import { nextCursor } from './paging.ts';

const LONGEST_ID = 200;
/** What the column holds, and percent-encoded at three characters a byte still fits the URL of a check. */
const LARGEST_ID = 600;
const LIMITS = `1 to ${LONGEST_ID} characters, no control characters among them, at most ${LARGEST_ID} bytes in UTF-8`;
const RULE = `must be a whole number below 2^53, or a string of ${LIMITS}`;

/**
 * What producers call an object by; numbers count as the text that they are written as. It goes into a path, and into the
 * cursors of lists: a control character is six in JSON, and would make one longer than the lists take.
 */
export const objectId = z
  .union(
    [
      z.int({ error: RULE }),
      z
        .string()
        .min(1, { error: RULE })
        .max(LONGEST_ID, { error: RULE })
        .refine((id) => id.isWellFormed(), { error: 'must be well-formed Unicode' })
        .refine((id) => Buffer.byteLength(id) <= LARGEST_ID && !/\p{Cc}/u.test(id), { error: RULE })
        .refine((id) => id !== '.' && id !== '..', { error: 'must not be a dot or two, which mean another path' })
        .meta({ description: `${LIMITS}.` }),
    ],
    { error: RULE },
  )
  .transform(String);

/** An object that was seen online. */
export const objectView = z
  .strictObject({
    id: z.string(),
    last_seen: z.string().meta({ format: 'date-time', description: 'When the answer that it is online arrived.' }),
    expires_in: z.int().min(1).meta({ description: 'Seconds until it is forgotten, unless it is seen again.' }),
  })
  .meta({ id: 'Object' });

export const objectList = z
  .strictObject({ objects: z.array(objectView), next_cursor: nextCursor })
  .meta({ id: 'ObjectList' });

export type ObjectView = z.infer<typeof objectView>;

export const viewObject = (
  { id, lastSeen, expiresAt }: { id: string; lastSeen: number; expiresAt: number },
  { now }: { now: number },
): ObjectView => ({
  id,
  last_seen: new Date(lastSeen).toISOString(),
  expires_in: Math.max(Math.ceil((expiresAt - now) / 1000), 1),
});
