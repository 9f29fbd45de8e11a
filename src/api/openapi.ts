import { createDocument, type ZodOpenApiObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { bulkChangeOperations } from './bulk-change-operations.ts';
import { bulkCreationOperations } from './bulk-creation-operations.ts';
import { byKeyOperations } from './by-key-operations.ts';
import { changeOperations } from './change-operations.ts';
import { destinationOperations } from './destination-operations.ts';
import { healthOperations } from './health-operations.ts';
import { listOperations } from './list-operations.ts';
import { metricsOperations } from './metrics-operations.ts';
import { objectOperations } from './object-operations.ts';
import type { ProblemCode } from './problem.ts';
import { timerOperations } from './timer-operations.ts';

const ALWAYS: ProblemCode[] = [
  'malformed_request',
  'headers_too_large',
  'host_not_allowed',
  'method_not_allowed',
  'rate_limited',
  'internal_error',
  'store_unavailable',
  'shutting_down',
];

/** OpenAPI 3.1, from the schemas that validate. `keyed`: callers need a key. `objects`: their routes are served. */
export function createOpenApi({ version, keyed, objects }: { version: string; keyed: boolean; objects: boolean }) {
  const always: ProblemCode[] = keyed ? ['unauthorized', ...ALWAYS] : ALWAYS;
  const document: ZodOpenApiObject = {
    openapi: '3.1.0',
    info: {
      title: 'Punctual',
      version,
      description: 'Calls a URL at a given time, on the millisecond, through crashes and restarts.',
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'Timers' },
      { name: 'Destinations' },
      ...(objects ? [{ name: 'Objects' }] : []),
      { name: 'Operation' },
    ],
    paths: joined(
      timerOperations(always),
      listOperations(always),
      changeOperations(always),
      byKeyOperations(always),
      bulkCreationOperations(always),
      bulkChangeOperations(always),
      destinationOperations(always),
      objects ? objectOperations(always) : {},
      healthOperations,
      metricsOperations(always),
    ),
    ...(keyed ? KEYED : {}),
  };
  // Where a check of our own takes the place of a schema, its `meta` says what it checks.
  return createDocument(document, { allowEmptySchema: { custom: true } });
}

/** Methods of one path may be told in several places. */
function joined(...parts: ZodOpenApiPathsObject[]): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const [path, methods] of parts.flatMap(Object.entries<ZodOpenApiPathsObject[string]>)) {
    paths[path] = { ...paths[path], ...methods };
  }
  return paths;
}

const KEYED: Pick<ZodOpenApiObject, 'security' | 'components'> = {
  security: [{ bearer: [] }, { apiKey: [] }],
  components: {
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    },
  },
};
