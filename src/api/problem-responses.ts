import { z } from 'zod';
import type { ZodOpenApiResponsesObject } from 'zod-openapi';
import { Problem, problemDocument, PROBLEMS, type ProblemCode } from './problem.ts';
import { faultAt } from './validate.ts';

export const problemView = z
  .strictObject({
    type: z.string().meta({ format: 'uri' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    request_id: z.string(),
    last_committed_line: z.int().min(0).optional().meta({ description: 'Of an import: go on behind it.' }),
    errors: z
      .array(z.strictObject({ pointer: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'For each field at fault a JSON pointer (RFC 6901) and what is wrong there.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document.' });

/** By which a body may be refused before it is known what it asks for, and then for what it says. */
export const BODY_PROBLEMS: ProblemCode[] = [
  'malformed_json',
  'request_timeout',
  'too_large',
  'unsupported_media_type',
  'invalid_request',
  'overloaded',
];

/** The answers to refused requests, for the OpenAPI document: gathered by status, with an example for each code. */
export function problemResponses(codes: ProblemCode[]): ZodOpenApiResponsesObject {
  const byStatus = Object.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, same = []]) => [
      status,
      {
        description: same.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('; '),
        content: {
          'application/problem+json': { schema: problemView, examples: Object.fromEntries(same.map(exampleOf)) },
        },
      },
    ]),
  );
}

function exampleOf(code: ProblemCode) {
  const problem =
    code === 'invalid_request'
      ? faultAt(['seconds'], 'must be a whole number')
      : new Problem(code, `${PROBLEMS[code].title}.`);
  return [code, { value: problemDocument(problem, '9f86d081884c-2a') }] as const;
}
