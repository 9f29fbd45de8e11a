import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { idempotencyKey, newTimer, timerKey } from './new-timer.ts';
import { BODY_PROBLEMS, problemResponses } from './problem-responses.ts';
import type { ProblemCode } from './problem.ts';
import { CANCELLED, HOOK, WAITING } from './timer-examples.ts';
import { storedHeaders, timerResponse } from './timer-responses.ts';

const KEY = 'cart/4711';
const NAMED = { ...WAITING, key: KEY };

/** What the OpenAPI document says of timers under names of their clients. */
export function byKeyOperations(always: ProblemCode[]): ZodOpenApiPathsObject {
  const path = z.object({ key: timerKey.meta({ description: 'Percent-encoded.', examples: [KEY] }) });
  return {
    '/timers/by-key/{key}': {
      put: {
        operationId: 'putTimer',
        tags: ['Timers'],
        summary: 'Make the timer of a key, or change the one that waits',
        description:
          'Under one key at most one timer waits. Where one does, it becomes what is asked for here, under its id; ' +
          'otherwise a new one is made. Every owner has keys of its own. With an `Idempotency-Key` the same request within ' +
          '24 hours gets the same answer again, and neither makes nor moves a timer: each check-in of a dead-man switch ' +
          'needs one of its own, or none.',
        requestParams: { path, header: z.object({ 'Idempotency-Key': idempotencyKey.optional() }) },
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: newTimer,
              examples: {
                debounce: { summary: 'Half an hour after the last call', value: { delay: '30m', url: HOOK } },
              },
            },
          },
        },
        responses: {
          '200': { ...timerResponse('The timer that waited, changed.', { timer: NAMED }), headers: storedHeaders },
          '201': { ...timerResponse('A new timer, committed.', { timer: NAMED }), headers: storedHeaders },
          ...problemResponses([
            ...always,
            ...BODY_PROBLEMS,
            'not_found',
            'target_not_allowed',
            'idempotency_key_reused',
            'already_executing',
          ]),
        },
      },
      get: {
        operationId: 'readTimerByKey',
        tags: ['Timers'],
        summary: 'Read the latest timer of a key',
        requestParams: { path },
        responses: {
          '200': timerResponse('The timer as it stands.', { timer: NAMED }),
          ...problemResponses([...always, 'not_found']),
        },
      },
      delete: {
        operationId: 'cancelTimerByKey',
        tags: ['Timers'],
        summary: 'Cancel the timer of a key',
        requestParams: { path },
        responses: {
          '200': timerResponse('The timer, cancelled.', { timer: { ...CANCELLED, key: KEY } }),
          ...problemResponses([...always, 'not_found', 'already_executing', 'already_finished']),
        },
      },
    },
  };
}
