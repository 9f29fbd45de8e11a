import { z } from 'zod';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
const RANGE = `must be a whole number from 1 to ${MAX_LIMIT}`;

/** How many entries a page of a list has at the most, as a query says it. */
export const listLimit = z
  .string()
  .refine((text) => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_LIMIT, RANGE)
  .transform(Number)
  .prefault(String(DEFAULT_LIMIT))
  .meta({
    description: 'Most entries of a page.',
    override: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
  });
