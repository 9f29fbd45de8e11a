import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { batchReport, newBatch } from './batch.ts';
import { importReport } from './import-lines.ts';
import { problemDocument, type ProblemCode } from './problem.ts';
import { BODY_PROBLEMS, problemResponses } from './problem-responses.ts';
import { HOOK, WAITING } from './timer-examples.ts';
import { faultAt } from './validate.ts';

const LINES = [
  { delay: '4h', url: HOOK },
  { due_at: '2030-12-31T23:59:59Z', url: HOOK, idempotency_key: 'invoice-4711' },
  { delay: '30m', url: HOOK, key: 'cart/4711' },
];
const KEYS_OF_THEIR_OWN = 'The header `Idempotency-Key` is refused: every timer has an `idempotency_key` of its own.';
const MESSAGE = 'must be 0 or more';
const REFUSED = problemDocument(faultAt(['seconds'], MESSAGE), '9f86d081884c-2a');

/** What the OpenAPI document says of making many timers at once. */
export const bulkCreationOperations = (always: ProblemCode[]): ZodOpenApiPathsObject => ({
  '/timers/batch': {
    post: {
      operationId: 'createTimers',
      tags: ['Timers'],
      summary: 'Make up to a thousand timers',
      description:
        'What is in order is made, in one go, though others are refused. The results come in order. ' +
        KEYS_OF_THEIR_OWN,
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: newBatch, examples: { batch: { value: { timers: LINES } } } },
        },
      },
      responses: {
        '200': {
          description: 'What became of each.',
          content: {
            'application/json': {
              schema: batchReport,
              examples: {
                results: {
                  value: {
                    results: [
                      { status: 201, timer: WAITING },
                      { status: 422, problem: REFUSED },
                    ],
                  },
                },
              },
            },
          },
        },
        ...problemResponses([...always, ...BODY_PROBLEMS]),
      },
    },
  },
  '/timers/import': {
    post: {
      operationId: 'importTimers',
      tags: ['Timers'],
      summary: 'Make any number of timers',
      description:
        'One timer a line, with the fields of a batch, each line at most 128 KiB. They are stored while they arrive, ' +
        'up to a thousand at a time. After 10 s without a byte the import ends. An import that broke off is told by ' +
        '`last_committed_line` how far it came; what follows that line may or may not be stored, so give the lines an ' +
        `\`idempotency_key\` each to be able to send them again. ${KEYS_OF_THEIR_OWN}`,
      requestBody: {
        required: true,
        content: {
          'application/x-ndjson': {
            schema: z.string().meta({ description: 'Lines of JSON, each a `NewTimerItem`.' }),
            examples: { lines: { value: LINES.map((line) => `${JSON.stringify(line)}\n`).join('') } },
          },
        },
      },
      responses: {
        '200': {
          description: 'What became of them; everything made is committed.',
          content: {
            'application/json': {
              schema: importReport,
              examples: {
                report: {
                  value: {
                    created: 2,
                    changed: 1,
                    replayed: 0,
                    refused: 1,
                    errors: [{ line: 4, code: 'invalid_request', message: `"seconds" ${MESSAGE}.` }],
                  },
                },
              },
            },
          },
        },
        ...problemResponses([...always, 'request_timeout', 'unsupported_media_type', 'invalid_request', 'overloaded']),
      },
    },
  },
});
