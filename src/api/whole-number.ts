import { z } from 'zod';

/** A whole number as a query says it. */
export function wholeNumber(given: { noun?: string; min: number; max: number; default: number }) {
  const { noun = 'a whole number', min, max } = given;
  return z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `must be ${noun} from ${min} to ${max}`,
    })
    .transform(Number)
    .prefault(String(given.default))
    .meta({ override: { type: 'integer', minimum: min, maximum: max, default: given.default } });
}
