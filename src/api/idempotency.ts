import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { IdempotencyRecord } from '../timers/index.ts';
import { idempotencyKey } from './new-timer.ts';
import { Problem } from './problem.ts';
import { answerOf } from './timer-answer.ts';

/** How long an answer is kept to be given again. */
const KEPT_MS = 86_400_000;

/** The header `Idempotency-Key`, taken as it is, quotes included. */
export function idempotencyKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  const { success, data } = idempotencyKey.safeParse(key);
  if (success) return data;
  throw new Problem('invalid_request', 'The header Idempotency-Key must be 1 to 255 characters of printable ASCII.');
}

/** Of many timers some may have been made before and others not: one key for all of them could not tell. */
export function refuseIdempotencyKey(headers: IncomingHttpHeaders, where: 'a batch' | 'an import'): void {
  if (headers['idempotency-key'] === undefined) return;
  throw new Problem('invalid_request', `In ${where} every timer has an "idempotency_key" of its own.`);
}

/** What the store keeps so that a repeated request gets the answer of the first. `asked` is what tells it from another one. */
export function idempotencyRecord(request: { key: string; asked: object; createdAt: number }): IdempotencyRecord {
  const { key, asked, createdAt } = request;
  return {
    key,
    requestHash: hash('sha256', JSON.stringify(asked, inNameOrder), 'buffer'),
    expiresAt: createdAt + KEPT_MS,
    answerOf: (stored) => JSON.stringify(answerOf(stored, { now: createdAt })),
  };
}

/** The same request spelled in another order is the same request. */
function inNameOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
