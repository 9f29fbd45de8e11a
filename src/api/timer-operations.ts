import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { newTimer, type NewTimer } from './new-timer.ts';
import { problemResponses } from './problem-responses.ts';
import type { ProblemCode } from './problem.ts';
import { timerView, type TimerView } from './timer-view.ts';

const HOOK = 'https://someserver.com/hook';

const ORDERS: Record<string, { summary: string; value: NewTimer }> = {
  numbers: { summary: 'In 4 hours and 1 second', value: { hours: 4, minutes: 0, seconds: 1, url: HOOK } },
  delay: { summary: 'In 90 seconds', value: { delay_ms: 90_000, url: HOOK } },
  instant: { summary: 'At an instant', value: { due_at: '2030-12-31T23:59:59+01:00', url: `${HOOK}?reason=year-end` } },
};

const WAITING: TimerView = {
  id: '0199f1d0-2b1e-7c3a-9a55-6f1f2f0a7b10',
  status: 'waiting',
  reason: null,
  time_left: 14_401,
  due_at: '2030-01-01T04:00:01.000Z',
  next_attempt_at: '2030-01-01T04:00:01.000Z',
  url: HOOK,
  method: 'POST',
  headers: null,
  label: null,
  metadata: null,
  key: null,
  delivery: 'at_least_once',
  attempts: 0,
  max_attempts: 8,
  lateness_ms: null,
  last_error: null,
  created_at: '2030-01-01T00:00:00.000Z',
  finished_at: null,
};

const DONE: TimerView = {
  ...WAITING,
  status: 'done',
  time_left: 0,
  next_attempt_at: null,
  attempts: 1,
  lateness_ms: 1,
  finished_at: '2030-01-01T04:00:01.064Z',
};

/** What the OpenAPI document says of the timers; `always` are the refusals that any of their routes may answer with. */
export function timerOperations(always: ProblemCode[]): ZodOpenApiPathsObject {
  return {
    '/timers': {
      post: {
        operationId: 'createTimer',
        tags: ['Timers'],
        summary: 'Make a timer',
        description:
          'When the time comes, `{"id":"<id>"}` is POSTed to `<url>/<id>`; any 2xx is success, anything else is tried ' +
          'again. The answer 201 means that the timer is committed.',
        requestBody: { required: true, content: { 'application/json': { schema: newTimer, examples: ORDERS } } },
        responses: {
          '201': {
            description: 'The timer, committed.',
            headers: z.object({ Location: z.string().meta({ description: 'Path of the timer.' }) }),
            content: { 'application/json': { schema: timerView, examples: { waiting: { value: WAITING } } } },
          },
          ...problemResponses([
            ...always,
            'malformed_json',
            'request_timeout',
            'too_large',
            'unsupported_media_type',
            'invalid_request',
            'target_not_allowed',
          ]),
        },
      },
    },
    '/timers/{id}': {
      get: {
        operationId: 'readTimer',
        tags: ['Timers'],
        summary: 'Read a timer',
        requestParams: { path: z.object({ id: z.string().meta({ format: 'uuid', examples: [WAITING.id] }) }) },
        responses: {
          '200': {
            description: 'The timer as it stands.',
            content: {
              'application/json': {
                schema: timerView,
                examples: { waiting: { value: WAITING }, done: { value: DONE } },
              },
            },
          },
          ...problemResponses([...always, 'not_found']),
        },
      },
    },
  };
}
