import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { idempotencyKey, newTimer } from './new-timer.ts';
import { BODY_PROBLEMS, problemResponses } from './problem-responses.ts';
import type { ProblemCode } from './problem.ts';
import { DONE, ORDERS, WAITING } from './timer-examples.ts';
import { storedHeaders, timerPath, timerResponse } from './timer-responses.ts';

/** What the OpenAPI document says of the timers; `always` are the refusals that any of their routes may answer with. */
export function timerOperations(always: ProblemCode[]): ZodOpenApiPathsObject {
  return {
    '/timers': {
      post: {
        operationId: 'createTimer',
        tags: ['Timers'],
        summary: 'Make a timer',
        description:
          'When the time comes, `{"id":"<id>"}` is POSTed to `<url>/<id>`, unless told otherwise; any 2xx is success, ' +
          'anything else is tried again. The answer 201 means that the timer is committed. With an `Idempotency-Key` the ' +
          'same request within 24 hours gets the same answer again, and makes no second timer.',
        requestParams: { header: z.object({ 'Idempotency-Key': idempotencyKey.optional() }) },
        requestBody: { required: true, content: { 'application/json': { schema: newTimer, examples: ORDERS } } },
        responses: {
          '201': { ...timerResponse('The timer, committed.', { waiting: WAITING }), headers: storedHeaders },
          ...problemResponses([...always, ...BODY_PROBLEMS, 'target_not_allowed', 'idempotency_key_reused']),
        },
      },
    },
    '/timers/{id}': {
      get: {
        operationId: 'readTimer',
        tags: ['Timers'],
        summary: 'Read a timer',
        requestParams: { path: timerPath },
        responses: {
          '200': timerResponse('The timer as it stands.', { waiting: WAITING, done: DONE }),
          ...problemResponses([...always, 'not_found']),
        },
      },
    },
  };
}
