import { z } from 'zod';
import { WAITING } from './timer-examples.ts';
import { timerView, type TimerView } from './timer-view.ts';

/** The parameter of a path that names a timer, for the OpenAPI document. */
export const timerPath = z.object({ id: z.string().meta({ format: 'uuid', examples: [WAITING.id] }) });

/** An answer with the timer, for the OpenAPI document; the examples by their names. */
export const timerResponse = (description: string, examples: Record<string, TimerView>) => ({
  description,
  content: {
    'application/json': {
      schema: timerView,
      examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
    },
  },
});

/** Headers of the answer to a request that made or changed a timer, for the OpenAPI document. */
export const storedHeaders = z.object({
  Location: z.string().meta({ description: 'Path of the timer.' }),
  'Idempotent-Replayed': z
    .literal('true')
    .optional()
    .meta({ description: 'Where the same request got this answer before.' }),
});
