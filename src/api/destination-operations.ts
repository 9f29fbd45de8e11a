import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { destinationList, destinationView, type DestinationView } from './destination-view.ts';
import { paging } from './paging.ts';
import { problemResponses } from './problem-responses.ts';
import type { ProblemCode } from './problem.ts';

const OPEN: DestinationView = {
  host: 'someserver.com',
  state: 'open',
  in_flight: 3,
  queued: 0,
  limit: 128,
  last_minute: { attempts: 1200, success_rate: 1, lateness_p50_ms: 1, lateness_p99_ms: 4 },
  last_error: null,
};

const FAILING: DestinationView = {
  host: 'gone.example:8443',
  state: 'failing',
  in_flight: 1,
  queued: 96,
  limit: 0,
  last_minute: { attempts: 60, success_rate: 0, lateness_p50_ms: 479, lateness_p99_ms: 1023 },
  last_error: { code: 'timeout', message: 'There was no answer in time.', at: '2030-01-01T00:00:00.000Z' },
};

const SEEN =
  'What the replicas have seen of the hosts that they call or have called in the last minute; each tells every two seconds, ' +
  'and counts until it has been silent for ten. With keys set, only an admin key is shown any.';

/** What the OpenAPI document says of the destinations; `always` are the refusals that any route may answer with. */
export const destinationOperations = (always: ProblemCode[]): ZodOpenApiPathsObject => ({
  '/destinations': {
    get: {
      operationId: 'listDestinations',
      tags: ['Destinations'],
      summary: 'How the hosts are doing that timers call',
      description: `${SEEN} The busiest come first, by calls in flight and queued; the list ends after 500.`,
      requestParams: { query: paging },
      responses: {
        '200': {
          description: 'A page of destinations.',
          content: {
            'application/json': {
              schema: destinationList,
              examples: { page: { value: { destinations: [FAILING, OPEN], next_cursor: null } } },
            },
          },
        },
        ...problemResponses([...always, 'not_found', 'invalid_request']),
      },
    },
  },
  '/destinations/{host}': {
    get: {
      operationId: 'readDestination',
      tags: ['Destinations'],
      summary: 'How one host is doing',
      description: SEEN,
      requestParams: { path: z.object({ host: z.string().meta({ examples: [OPEN.host, FAILING.host] }) }) },
      responses: {
        '200': {
          description: 'The destination.',
          content: {
            'application/json': {
              schema: destinationView,
              examples: { open: { value: OPEN }, failing: { value: FAILING } },
            },
          },
        },
        ...problemResponses([...always, 'not_found']),
      },
    },
  },
});
