import { z } from 'zod';
import { TIMER_STATUSES, type TimerQuery } from '../timers/index.ts';
import type { Caller } from './authenticate.ts';
import { instantField, parseInstant } from './instant.ts';

/** Without flags, of which the published pattern would know nothing. */
const HOST = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[1-9]\d{0,4})?$/;
const DEFAULT_PORTS = { http: ':80', https: ':443' };

/** The fields that say which timers are meant. */
export const filterFields = {
  status: z.enum(TIMER_STATUSES, { error: `must be one of ${TIMER_STATUSES.join(', ')}` }).optional(),
  label: z.string().min(1).max(128).optional(),
  host: z
    .string()
    .regex(HOST, { error: 'must be a host, such as someserver.com or someserver.com:8443' })
    .optional()
    .meta({ description: 'Of the URL, with its port unless that is the usual one.', examples: ['someserver.com'] }),
  due_after: instantField.optional().meta({
    description:
      'From this instant on, inclusive; by `next_attempt_at`, which is `due_at` until a first attempt failed.',
  }),
  due_before: instantField.optional().meta({ description: 'Until this instant, exclusive.' }),
};

/** The same for what is over, by when it ended. */
export const finishedFields = {
  finished_after: instantField.optional().meta({ description: 'Ended at this instant or later.' }),
  finished_before: instantField.optional().meta({ description: 'Ended before this instant.' }),
};

export type TimerFilter = z.infer<z.ZodObject<typeof filterFields>> &
  Partial<z.infer<z.ZodObject<typeof finishedFields>>>;

/** A check for the schema that has these fields: only what waits stands in the order of its next attempt. */
export function refuseDueOfOthers({ value, issues }: z.core.ParsePayload<TimerFilter>): void {
  if (value.status === 'waiting') return;
  for (const field of ['due_after', 'due_before'] as const) {
    if (value[field] === undefined) continue;
    issues.push({ code: 'custom', input: value, path: [field], message: 'goes with "status" "waiting" alone' });
  }
}

/** What the filter means to the store: the caller's own timers, and not what other modules keep as timers. */
export const queryOf = (filter: TimerFilter, caller: Caller): TimerQuery => ({
  owner: caller.seesAll ? undefined : caller.owner,
  action: 'webhook',
  status: filter.status,
  label: filter.label,
  origins: filter.host === undefined ? undefined : originsOf(filter.host.toLowerCase()),
  wakeFrom: optionalInstant(filter.due_after ?? filter.finished_after),
  wakeTo: optionalInstant(filter.due_before ?? filter.finished_before),
});

const optionalInstant = (text: string | undefined) => (text === undefined ? undefined : parseInstant(text));

/** A scheme's usual port may be spelled out or left out. */
function originsOf(host: string): string[] {
  return (['http', 'https'] as const).flatMap((scheme) => {
    const port = DEFAULT_PORTS[scheme];
    const bare = host.endsWith(port) ? host.slice(0, -port.length) : host;
    const hasPort = /:\d+$/.test(bare.replace(/^\[.*\]/, ''));
    return hasPort ? [`${scheme}://${bare}`] : [`${scheme}://${bare}`, `${scheme}://${bare}${port}`];
  });
}
