import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const HEADER = 'X-Request-Id';
/** Harmless in a log line and in a header, and long enough for a UUID or a trace id. */
const SANE = /^[\w.:-]{1,64}$/;

export type RequestIds = (given?: string | string[]) => string;

/** Ids of requests: the caller's own where it is sane, else one that no other process makes. */
export function createRequestIds(): RequestIds {
  const processId = randomBytes(6).toString('hex');
  let count = 0;
  return (given) =>
    typeof given === 'string' && SANE.test(given) ? given : `${processId}-${(count += 1).toString(36)}`;
}

export function giveRequestId(req: IncomingMessage, res: ServerResponse, requestIds: RequestIds): void {
  res.setHeader(HEADER, requestIds(req.headers['x-request-id']));
}

export const requestIdOf = (res: ServerResponse): string => String(res.getHeader(HEADER));
