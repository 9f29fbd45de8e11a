import { createDocument, type ZodOpenApiObject } from 'zod-openapi';
import { healthOperations } from './health-operations.ts';
import type { ProblemCode } from './problem.ts';
import { timerOperations } from './timer-operations.ts';

const ALWAYS: ProblemCode[] = [
  'host_not_allowed',
  'method_not_allowed',
  'rate_limited',
  'internal_error',
  'store_unavailable',
  'shutting_down',
];

/** OpenAPI 3.1, from the schemas that validate. `keyed` tells whether callers need a key. */
export function createOpenApi({ version, keyed }: { version: string; keyed: boolean }) {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Punctual',
      version,
      description: 'Calls a URL at a given time, on the millisecond, through crashes and restarts.',
    },
    servers: [{ url: '/' }],
    tags: [{ name: 'Timers' }, { name: 'Operation' }],
    paths: { ...timerOperations(keyed ? ['unauthorized', ...ALWAYS] : ALWAYS), ...healthOperations },
    ...(keyed ? KEYED : {}),
  });
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
