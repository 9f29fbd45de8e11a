import { z } from 'zod';
import { DESTINATION_STATES, type Destination } from '../timers/index.ts';
import { nextCursor } from './paging.ts';

const count = z.int().min(0);
const milliseconds = z.int().min(0).nullable();

/** How one host is doing. */
export const destinationView = z
  .strictObject({
    host: z.string().meta({ description: 'With the port, unless it is the one of the scheme.' }),
    state: z.enum(DESTINATION_STATES).meta({
      description:
        '`open`: as many calls as it may get. `slow`: fewer, since it did not answer all. `failing`: only one now and ' +
        'then, to see whether it is back. The worst over all replicas.',
    }),
    in_flight: count,
    queued: count.meta({ description: 'Due, and waiting for a call to end.' }),
    limit: count.meta({ description: 'How many calls it may get at once just now.' }),
    last_minute: z
      .strictObject({
        attempts: count,
        success_rate: z.number().min(0).max(1).nullable().meta({ description: '1 only if all were delivered.' }),
        lateness_p50_ms: milliseconds,
        lateness_p99_ms: milliseconds,
      })
      .meta({ description: 'Latenesses are those of first attempts, up to an eighth above what they were.' }),
    last_error: z
      .strictObject({ code: z.string(), message: z.string(), at: z.string().meta({ format: 'date-time' }) })
      .nullable(),
  })
  .meta({ id: 'Destination' });

export const destinationList = z
  .strictObject({ destinations: z.array(destinationView), next_cursor: nextCursor })
  .meta({ id: 'DestinationList' });

export type DestinationView = z.infer<typeof destinationView>;

export const viewDestination = (destination: Destination): DestinationView => ({
  host: destination.host,
  state: destination.state,
  in_flight: destination.inFlight,
  queued: destination.queued,
  limit: destination.limit,
  last_minute: {
    attempts: destination.attempts,
    success_rate: destination.successRate,
    lateness_p50_ms: destination.latenessP50Ms,
    lateness_p99_ms: destination.latenessP99Ms,
  },
  last_error: destination.lastError && {
    code: destination.lastError.code,
    message: destination.lastError.message,
    at: new Date(destination.lastError.at).toISOString(),
  },
});
