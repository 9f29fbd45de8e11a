import type { z } from 'zod';
import type { FieldError } from '../timers/index.ts';
import { Problem } from './problem.ts';

/** A body of nothing but unknown fields must not come back as an answer ten times its size. */
const ERRORS_TOLD = 20;

/** The value as the schema has it. Throws `Problem('invalid_request')` that points at every field at fault. */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { error: inPlainWords });
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap(fieldErrors).slice(0, ERRORS_TOLD);
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more in errors)` : '';
  throw new Problem('invalid_request', `${nameOf(first?.pointer ?? '')} ${first?.message ?? 'is invalid'}${more}.`, {
    errors,
  });
}

/** The refusal of one field, or of the body as a whole, that the schema takes, and we do not. */
export function faultAt(path: PropertyKey[], message: string): Problem {
  const pointer = pointerTo(path);
  const name = pointer === '' ? 'The body' : `"${pointer.slice(1)}"`;
  return new Problem('invalid_request', `${name} ${message}.`, { errors: [{ pointer, message }] });
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), message: 'is not a known field' }));
  }
  return [{ pointer: pointerTo(issue.path), message: issue.message }];
}

/** RFC 6901. */
const pointerTo = (path: PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const nameOf = (pointer: string): string => (pointer === '' ? 'The body' : `"${pointer.slice(1).slice(0, 64)}"`);

const NOUNS: Record<string, string> = {
  int: 'a whole number',
  number: 'a whole number',
  string: 'a string',
  object: 'a JSON object',
  array: 'a list',
  boolean: 'true or false',
};

/** Zod's own words are for programmers; these complete the sentence "<field> …". A schema's own words win over them. */
function inPlainWords(issue: z.core.$ZodRawIssue): string {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined ? 'is required' : `must be ${NOUNS[issue.expected] ?? issue.expected}`;
  }
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  if (issue.code === 'too_small') return `must be ${issue.minimum}${unitOf(issue.origin)} or more`;
  if (issue.code === 'too_big') return `must be ${issue.maximum}${unitOf(issue.origin)} or less`;
  return 'is invalid';
}

const UNITS: Record<string, string> = { string: ' characters', array: ' entries' };
const unitOf = (origin: string): string => UNITS[origin] ?? '';
