import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { BODY_PROBLEMS, problemResponses } from './problem-responses.ts';
import type { ProblemCode } from './problem.ts';
import { CANCELLED, DONE, WAITING } from './timer-examples.ts';
import { extension, timerPatch } from './timer-patch.ts';
import { timerPath, timerResponse } from './timer-responses.ts';

const TOO_LATE: ProblemCode[] = ['already_executing', 'already_finished'];

/** What the OpenAPI document says of changing a timer that is there. */
export function changeOperations(always: ProblemCode[]): ZodOpenApiPathsObject {
  const operation = (operationId: string, summary: string, description: string) => ({
    operationId,
    tags: ['Timers'],
    summary,
    description,
    requestParams: { path: timerPath },
  });
  const refusals = (...codes: ProblemCode[]) => problemResponses([...always, 'not_found', ...codes]);

  return {
    '/timers/{id}': {
      patch: {
        ...operation(
          'changeTimer',
          'Change a timer that waits',
          'When, and everything but `url`, `label` and `key`. An instant that has passed means now. ' +
            'A new body without new `headers` drops a `Content-Type` that stands among them: it told of the body before. ' +
            'Once a replica has claimed the timer, up to a second before it is due, it is too late.',
        ),
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: timerPatch,
              examples: { later: { value: { delay_ms: 90_000 } }, other: { value: { method: 'PUT', body: { a: 1 } } } },
            },
          },
        },
        responses: {
          '200': timerResponse('The timer, changed.', { timer: WAITING }),
          ...refusals(...BODY_PROBLEMS, ...TOO_LATE),
        },
      },
      delete: {
        ...operation(
          'cancelTimer',
          'Cancel a timer that waits',
          'Once answered, no call begins. Again: the same answer.',
        ),
        responses: { '200': timerResponse('The timer, cancelled.', { timer: CANCELLED }), ...refusals(...TOO_LATE) },
      },
    },
    '/timers/{id}/fire': {
      post: {
        ...operation('fireTimer', 'Call now', '`due_at` becomes now, unless an attempt has been made for it already.'),
        responses: { '200': timerResponse('The timer.', { timer: WAITING }), ...refusals(...TOO_LATE) },
      },
    },
    '/timers/{id}/extend': {
      post: {
        ...operation(
          'extendTimer',
          'Begin the delay again',
          'Due after the delay first asked for, from now on, or when the body says: "call me unless I check in".',
        ),
        requestBody: {
          required: false,
          content: {
            'application/json': {
              schema: extension,
              examples: { same: { value: {} }, minutes: { value: { minutes: 5 } } },
            },
          },
        },
        responses: {
          '200': timerResponse('The timer, moved.', { timer: WAITING }),
          ...refusals(...BODY_PROBLEMS, ...TOO_LATE),
        },
      },
    },
    '/timers/{id}/replay': {
      post: {
        ...operation(
          'replayTimer',
          'Call again what is done, failed or unknown',
          'A new run, due now: attempts and lateness are counted anew, and `webhook-id` is `<id>_<run>`. One whose key ' +
            'stands for another timer by now is not called again: under one key at most one timer waits. Nor is one whose ' +
            'payload was erased, as the call would be another one.',
        ),
        responses: {
          '200': timerResponse('The timer, waiting again.', { timer: WAITING }),
          ...refusals('not_finished', 'already_finished', 'superseded', 'payload_erased'),
        },
      },
    },
    '/timers/{id}/payload': {
      delete: {
        ...operation(
          'erasePayload',
          'Erase the payload of a finished timer',
          'Headers, body, metadata and the answers of its attempts, at once. The timer itself stays for its retention.',
        ),
        responses: { '200': timerResponse('The timer without them.', { timer: DONE }), ...refusals('not_finished') },
      },
    },
  };
}
