import { v7 } from 'uuid';
import type { Timer } from '../timers/index.ts';
import { dueNow } from './due-now.ts';
import type { SeenObject } from './presence-store.ts';

/** A timer like any client's, due now, that tells that the object was forgotten. */
export function goneWebhookOf(
  { id, lastSeen }: SeenObject,
  { url, maxAttempts, now }: { url: string; maxAttempts: number; now: number },
): Timer {
  const body = Buffer.from(JSON.stringify({ id, last_seen: new Date(lastSeen).toISOString() }));
  return dueNow(
    { id: v7({ msecs: now }), action: 'webhook', label: 'object-gone', url, method: 'POST', body, maxAttempts },
    now,
  );
}
