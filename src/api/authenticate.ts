import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ApiKey } from './api-keys.ts';
import { Problem } from './problem.ts';

/** Who asks. */
export interface Caller {
  /** Name of the key; null where the API is open. Owner of what the caller makes. */
  owner: string | null;
  /** Whether timers of other owners exist for this caller. */
  seesAll: boolean;
}

const BEARER = /^Bearer +([\w-]+) *$/i;

/**
 * Returns who sent these headers; throws `Problem('unauthorized')` for anybody unknown. Without any keys the API is open. No
 * two keys have one secret.
 */
export function createAuthenticator({ keys, adminKeys }: { keys: ApiKey[]; adminKeys: ApiKey[] }) {
  const callers = [
    ...adminKeys.map(({ name, digest }) => ({ digest, caller: { owner: name, seesAll: true } })),
    ...keys.map(({ name, digest }) => ({ digest, caller: { owner: name, seesAll: false } })),
  ];

  return (headers: IncomingHttpHeaders): Caller => {
    if (callers.length === 0) return { owner: null, seesAll: true };
    const secret = secretOf(headers);
    const digest = secret === undefined ? undefined : hash('sha256', secret, 'buffer');
    const found = digest && callers.find((known) => timingSafeEqual(known.digest, digest));
    if (found) return found.caller;
    throw new Problem(
      'unauthorized',
      'Send an API key that this service knows, as "Authorization: Bearer <key>" or "X-API-Key: <key>".',
      { headers: { 'WWW-Authenticate': 'Bearer' } },
    );
  };
}

function secretOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = BEARER.exec(headers.authorization ?? '')?.[1];
  const apiKey = headers['x-api-key'];
  return bearer ?? (typeof apiKey === 'string' ? apiKey : undefined);
}
