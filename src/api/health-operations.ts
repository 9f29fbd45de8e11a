import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { healthView, readinessView } from './health.ts';
import { PROBLEMS } from './problem.ts';

/** What the OpenAPI document says of the routes that need no key. */
export const healthOperations: ZodOpenApiPathsObject = {
  '/health': {
    get: {
      operationId: 'health',
      tags: ['Operation'],
      summary: 'Whether the process answers',
      security: [],
      responses: { '200': { description: 'It does.', content: { 'application/json': { schema: healthView } } } },
    },
  },
  '/ready': {
    get: {
      operationId: 'ready',
      tags: ['Operation'],
      summary: 'Whether the replica should get work',
      security: [],
      parameters: [
        {
          name: 'verbose',
          in: 'query',
          allowEmptyValue: true,
          schema: { type: 'string' },
          description: 'Also look at what the promises rest on: durability settings, isolation, versions.',
        },
      ],
      responses: {
        '200': { description: 'It should.', content: { 'application/json': { schema: readinessView } } },
        [PROBLEMS.store_unavailable.status]: {
          description: 'It should not, for these reasons.',
          content: { 'application/json': { schema: readinessView } },
        },
      },
    },
  },
};
