import { z } from 'zod';

const MAX_PAIRS = 16;
const LONGEST_NAME = 64;
const LONGEST_VALUE = 512;

/** Pairs of text that are the client's own business. A record of zod's would drop the name `__proto__` in silence. */
export const metadataField = z
  .custom<Record<string, string>>()
  .check(({ value, issues }) => {
    const fault = faultOf(value);
    if (fault) issues.push({ code: 'custom', input: value, ...fault });
  })
  .meta({
    override: {
      type: 'object',
      additionalProperties: { type: 'string', maxLength: LONGEST_VALUE },
      maxProperties: MAX_PAIRS,
    },
    description: `Up to ${MAX_PAIRS} pairs of text for yourself, with names of up to ${LONGEST_NAME} characters.`,
  });

function faultOf(metadata: unknown): { path: string[]; message: string } | undefined {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    return { path: [], message: 'must be a JSON object' };
  }
  const pairs = Object.entries(metadata);
  if (pairs.length > MAX_PAIRS) return { path: [], message: `must have ${MAX_PAIRS} pairs or less` };
  for (const [name, value] of pairs) {
    if (!isText(name, LONGEST_NAME) || name === '') {
      return { path: [name], message: `needs a name of 1 to ${LONGEST_NAME} characters of well-formed Unicode` };
    }
    if (!isText(value, LONGEST_VALUE)) {
      return { path: [name], message: `must be a string of ${LONGEST_VALUE} characters or less, well-formed Unicode` };
    }
  }
  return undefined;
}

const isText = (part: unknown, longest: number): boolean =>
  typeof part === 'string' && hasAtMost(longest, part) && part.isWellFormed();

/** Characters as JSON Schema counts them, by code points, of which each is one unit or two. */
const hasAtMost = (longest: number, text: string): boolean =>
  text.length <= longest || (text.length <= 2 * longest && Array.from(text).length <= longest);
