import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { callback, callbackReport } from './callback.ts';
import { objectList, objectView, type ObjectView } from './object-view.ts';
import { paging } from './paging.ts';
import { BODY_PROBLEMS, problemResponses } from './problem-responses.ts';
import type { ProblemCode } from './problem.ts';

const SEEN: ObjectView = { id: '4711', last_seen: '2030-01-01T00:00:00.000Z', expires_in: 27 };

/** What the OpenAPI document says of objects; `always` are the refusals that any route may answer with. */
export const objectOperations = (always: ProblemCode[]): ZodOpenApiPathsObject => ({
  '/callback': {
    post: {
      operationId: 'checkObjects',
      tags: ['Objects'],
      summary: 'Have objects checked',
      description:
        'Each is looked up in the status API soon, and tried again until that has answered or the object would be ' +
        'forgotten anyway. An object whose check still waits is not checked twice; one that is being looked up is looked ' +
        'up once more after that, however often it is named meanwhile. The answer 202 means that a check of each is ' +
        'committed.',
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: callback, examples: { three: { value: { object_ids: [1, 2, 'door-3'] } } } },
        },
      },
      responses: {
        '202': {
          description: 'How many.',
          content: { 'application/json': { schema: callbackReport, examples: { three: { value: { accepted: 3 } } } } },
        },
        ...problemResponses([...always, ...BODY_PROBLEMS]),
      },
    },
  },
  '/objects': {
    get: {
      operationId: 'listObjects',
      tags: ['Objects'],
      summary: 'The objects that were seen lately',
      description: 'In the order of their ids.',
      requestParams: { query: paging },
      responses: {
        '200': {
          description: 'A page of objects.',
          content: {
            'application/json': {
              schema: objectList,
              examples: { page: { value: { objects: [SEEN], next_cursor: null } } },
            },
          },
        },
        ...problemResponses([...always, 'invalid_request']),
      },
    },
  },
  '/objects/{id}': {
    get: {
      operationId: 'readObject',
      tags: ['Objects'],
      summary: 'When an object was last seen',
      requestParams: { path: z.object({ id: z.string().meta({ examples: [SEEN.id] }) }) },
      responses: {
        '200': {
          description: 'The object.',
          content: { 'application/json': { schema: objectView, examples: { seen: { value: SEEN } } } },
        },
        ...problemResponses([...always, 'not_found']),
      },
    },
  },
});
