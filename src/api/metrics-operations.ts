import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { problemResponses } from './problem-responses.ts';
import type { ProblemCode } from './problem.ts';

const EXAMPLE = `# HELP punctual_timers_held Timers that are claimed: queued, being called, or not recorded yet.
# TYPE punctual_timers_held gauge
punctual_timers_held 12
`;

/** What the OpenAPI document says of the metrics; `always` are the refusals that any route may answer with. */
export const metricsOperations = (always: ProblemCode[]): ZodOpenApiPathsObject => ({
  '/metrics': {
    get: {
      operationId: 'metrics',
      tags: ['Operation'],
      summary: 'What this replica counts of itself',
      description:
        'Lateness, attempts, requests and what is under way, in the text format of Prometheus, since the start of the ' +
        'replica. With keys set, only an admin key is shown them.',
      responses: {
        '200': {
          description: 'The metrics.',
          content: { 'text/plain': { schema: z.string(), examples: { gauge: { value: EXAMPLE } } } },
        },
        ...problemResponses([...always, 'not_found']),
      },
    },
  },
});
