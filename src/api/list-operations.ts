import type { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { attemptList } from './attempts.ts';
import { listQuery, timerList } from './lists.ts';
import { paging } from './paging.ts';
import { problemResponses } from './problem-responses.ts';
import type { ProblemCode } from './problem.ts';
import { DONE, WAITING } from './timer-examples.ts';
import { timerPath, timerResponse } from './timer-responses.ts';
import { waitQuery } from './wait.ts';

const ATTEMPTS: z.infer<typeof attemptList> = {
  attempts: [
    {
      run: 0,
      attempt: 1,
      fence: 1,
      started_at: '2030-01-01T04:00:01.001Z',
      lateness_ms: 1,
      duration_ms: 63,
      http_status: 503,
      error: { code: 'http_status', message: 'The receiver answered 503.' },
      answer: 'try again later',
    },
  ],
  next_cursor: null,
};

/** What the OpenAPI document says of looking for timers. */
export function listOperations(always: ProblemCode[]): ZodOpenApiPathsObject {
  return {
    '/timers': {
      get: {
        operationId: 'listTimers',
        tags: ['Timers'],
        summary: 'List timers',
        description:
          'With `status` in the order of time: what waits or executes the next first, what is finished the latest first. ' +
          'Otherwise the newest first; of an admin’s list by `label`, owner by owner. A page looks at 4,000 timers at ' +
          'most, so it may be short, or empty, though more follow: only `"next_cursor": null` is the end.',
        requestParams: { query: listQuery },
        responses: {
          '200': {
            description: 'A page of the caller’s timers; of everybody’s with an admin key.',
            content: {
              'application/json': {
                schema: timerList,
                examples: { page: { value: { timers: [WAITING, DONE], next_cursor: null } } },
              },
            },
          },
          ...problemResponses([...always, 'invalid_request']),
        },
      },
    },
    '/timers/{id}/attempts': {
      get: {
        operationId: 'listAttempts',
        tags: ['Timers'],
        summary: 'List the attempts of a timer',
        description: 'The oldest first, over all runs.',
        requestParams: { path: timerPath, query: paging },
        responses: {
          '200': {
            description: 'A page of attempts.',
            content: { 'application/json': { schema: attemptList, examples: { page: { value: ATTEMPTS } } } },
          },
          ...problemResponses([...always, 'not_found', 'invalid_request']),
        },
      },
    },
    '/timers/{id}/wait': {
      get: {
        operationId: 'waitForTimer',
        tags: ['Timers'],
        summary: 'Wait until a timer is finished',
        description: 'Answers as soon as it is, or when the time is over, with the timer as it stands then.',
        requestParams: { path: timerPath, query: waitQuery },
        responses: {
          '200': timerResponse('The timer, finished or not.', { done: DONE, timeout: WAITING }),
          ...problemResponses([...always, 'not_found', 'invalid_request', 'too_many_waiters']),
        },
      },
    },
  };
}
