import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { cancellation, cancelled, replayed, replays } from './bulk.ts';
import { BODY_PROBLEMS, problemResponses } from './problem-responses.ts';
import type { ProblemCode } from './problem.ts';

/** What the OpenAPI document says of changing many timers at once. */
export function bulkChangeOperations(always: ProblemCode[]): ZodOpenApiPathsObject {
  const refusals = problemResponses([...always, ...BODY_PROBLEMS]);
  return {
    '/timers/cancel': {
      post: {
        operationId: 'cancelTimers',
        tags: ['Timers'],
        summary: 'Cancel all that wait and match',
        description: 'Up to 10,000 a call. What a replica has claimed meanwhile is left alone and not counted.',
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: cancellation,
              examples: { label: { value: { filter: { label: 'trial' } } } },
            },
          },
        },
        responses: {
          '200': {
            description: 'How many.',
            content: {
              'application/json': { schema: cancelled, examples: { all: { value: { cancelled: 42, more: false } } } },
            },
          },
          ...refusals,
        },
      },
    },
    '/timers/replay': {
      post: {
        operationId: 'replayTimers',
        tags: ['Timers'],
        summary: 'Call again all that match and are done, failed or unknown',
        description:
          'Up to 10,000 a call, each as by `POST /timers/{id}/replay`, due about a second from now. One whose key stands for ' +
          'another timer by now is left alone and not counted.',
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: replays,
              examples: { outage: { value: { filter: { status: 'failed', host: 'someserver.com' } } } },
            },
          },
        },
        responses: {
          '200': {
            description: 'How many.',
            content: {
              'application/json': {
                schema: replayed,
                examples: {
                  some: { value: { replayed: 10_000, more: true, finished_before: '2030-12-31T23:59:59.000Z' } },
                },
              },
            },
          },
          ...refusals,
        },
      },
    },
  };
}
