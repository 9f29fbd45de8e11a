import type { ClaimedTimer } from '../timers/index.ts';
import type { WireRequest } from './connection.ts';
import { isReservedHeader } from './reserved-headers.ts';
import type { Signer } from './signer.ts';
import type { Target } from './target.ts';

/** The request of one attempt. Over the attempts of one run only the timestamp, the attempt and the fence change. */
export function webhookRequest(deps: {
  timer: ClaimedTimer;
  target: Target;
  sign: Signer;
  /** Epoch milliseconds. */
  now: number;
  userAgent: string;
}): WireRequest {
  const { timer, target, sign, now, userAgent } = deps;
  const { method } = timer;
  const body = bodyOf(timer);
  const id = timer.run === 0 ? timer.id : `${timer.id}_${timer.run}`;
  const timestamp = Math.floor(now / 1000);
  const signature = sign({ id, timestamp, body });

  const headers = [
    ...['webhook-id', id],
    ...['webhook-timestamp', String(timestamp)],
    ...(signature === undefined ? [] : ['webhook-signature', signature]),
    ...['punctual-attempt', String(timer.attempts + 1)],
    ...['punctual-fence', String(timer.fence)],
    ...['punctual-due-at', new Date(timer.dueAt).toISOString()],
    ...['accept-encoding', 'identity'],
    ...headersBesides(timer.headers, {
      'user-agent': userAgent,
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    }),
  ];
  return { method, path: pathOf(timer, target), headers, body };
}

function pathOf({ id, appendId }: ClaimedTimer, { path, query }: Target): string {
  if (!appendId) return path + query;
  return `${path}${path.endsWith('/') ? '' : '/'}${id}${query}`;
}

/** A GET has no body and a DELETE seldom one, so neither gets the default body. */
function bodyOf({ id, method, body, bodyBytes }: ClaimedTimer): Uint8Array | null {
  if (body !== null) return body;
  if (bodyBytes > 0)
    throw new Error('The body of the timer has not been read; the default body must not go in its place');
  return method === 'GET' || method === 'DELETE' ? null : Buffer.from(`{"id":"${id}"}`);
}

/** The client's own headers over our defaults, less those that are ours alone. */
function headersBesides(own: Record<string, string> | null, defaults: Record<string, string>): string[] {
  const headers = new Map(Object.entries(defaults));
  for (const [name, value] of Object.entries(own ?? {})) {
    if (!isReservedHeader(name)) headers.set(name.toLowerCase(), value);
  }
  return [...headers].flat();
}
