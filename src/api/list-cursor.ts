import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { ApiKey } from './api-keys.ts';
import { faultAt } from './validate.ts';

const MAC_BYTES = 16;

/** Where a list goes on, as a text that means something to us alone, and to nobody else's list. */
export interface Cursors {
  /** `list` tells what is listed, and for whom. */
  seal(list: unknown, position: unknown): string;
  /** Throws `Problem('invalid_request')` for a text that we did not seal, for this very list. */
  open(list: unknown, cursor: string): unknown;
}

/**
 * The key comes from the API keys, because these are the one secret that all replicas share and that outlives a restart; a
 * change of keys ends the lists under way. Without any keys it is no secret, and need not be: nothing is hidden from anyone
 * then. Nor does a cursor ever widen what is seen, since each page asks for the caller's own timers again.
 */
export function createCursors({ keys, adminKeys }: { keys: ApiKey[]; adminKeys: ApiKey[] }): Cursors {
  const digests = [...keys, ...adminKeys].map(({ digest }) => digest.toString('hex')).sort();
  const secret = hash('sha256', ['punctual cursor', ...digests].join('\n'), 'buffer');
  const macOf = (list: unknown, payload: Buffer) =>
    createHmac('sha256', secret)
      .update(`${JSON.stringify(list)}\n`)
      .update(payload)
      .digest()
      .subarray(0, MAC_BYTES);

  return {
    seal(list, position) {
      const payload = Buffer.from(JSON.stringify(position));
      return Buffer.concat([macOf(list, payload), payload]).toString('base64url');
    },
    open(list, cursor) {
      const bytes = Buffer.from(cursor, 'base64url');
      const [mac, payload] = [bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES)];
      // Several texts decode to the same bytes; only one of them is ours.
      const isOurs = mac.length === MAC_BYTES && bytes.toString('base64url') === cursor;
      if (!isOurs || !timingSafeEqual(mac, macOf(list, payload))) {
        throw faultAt(['cursor'], 'is not one that this list gave out; begin without it');
      }
      return JSON.parse(payload.toString()) as unknown;
    },
  };
}
