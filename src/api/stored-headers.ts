import { z } from 'zod';

/** Headers of the answer to a request that made or changed a timer, for the OpenAPI document. */
export const storedHeaders = z.object({
  Location: z.string().meta({ description: 'Path of the timer.' }),
  'Idempotent-Replayed': z
    .literal('true')
    .optional()
    .meta({ description: 'Where the same request got this answer before.' }),
});
