import { hash } from 'node:crypto';
import { stringify } from 'uuid';
import type { Timer } from '../timers/index.ts';
import { dueNow } from './due-now.ts';

/** Name of the action that performs a check. */
export const CHECK = 'object-check';

const PATH = '/objects/';
/** The expiry ends the tries, not their number. */
const MAX_ATTEMPTS = 1_000_000;
/** Of the time that there is. Objects that are never answered for must not crowd out those that are. */
const FIRST_RETRY = 1 / 6;
const LONGEST_RETRY = 1 / 3;

/** The check of an object: due now, and pointless once the object would be forgotten. */
export function checkOf(
  objectId: string,
  { now, ttlMs, deadlineMs }: { now: number; ttlMs: number; deadlineMs: number },
): Timer {
  return dueNow(
    {
      id: checkIdOf(objectId),
      action: CHECK,
      url: `${PATH}${encodeURIComponent(objectId)}`,
      method: 'GET',
      timeoutMs: deadlineMs,
      maxAttempts: MAX_ATTEMPTS,
      retry: { base_ms: Math.ceil(ttlMs * FIRST_RETRY), cap_ms: Math.ceil(ttlMs * LONGEST_RETRY) },
      expiresAfterMs: ttlMs,
    },
    now,
  );
}

/** The URL of a check is a path below the status API, so that one made before the API moved finds it. */
export const objectIdOf = ({ url }: Pick<Timer, 'url'>): string => decodeURIComponent(url.slice(PATH.length));

/**
 * A UUIDv8 (RFC 9562 §5.8) made of the object's id, so that the primary key alone keeps a second check out. Beginning with
 * zeros it sorts before every timer made by time: lists of the newest timers do not walk over checks.
 */
function checkIdOf(objectId: string): string {
  const bytes = hash('sha256', objectId, 'buffer').subarray(0, 16);
  bytes[0] = 0;
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return stringify(bytes);
}
