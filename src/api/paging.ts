import { z } from 'zod';
import { wholeNumber } from './whole-number.ts';

/** The query parameters by which a list is read page by page. */
export const pagingFields = {
  limit: wholeNumber({ min: 1, max: 500, default: 50 }).meta({ description: 'Most entries of a page.' }),
  cursor: z
    .string()
    .max(1024)
    .optional()
    .meta({ description: '`next_cursor` of the page before, with the other parameters as they were.' }),
};

export const paging = z.strictObject(pagingFields);

export const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'Null at the end, and only there: a page may be short, or empty, though more follow.' });
