import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const RANDOM_BYTES = 16;
/** Asking the system for randomness costs more than the rest of an id; so for many at once. */
const pool = new Uint8Array(256 * RANDOM_BYTES);
let used = pool.length;
let last = { msecs: 0, seq: 0 };

/**
 * A UUIDv7. Within this process each sorts behind the one before (RFC 9562 §6.2, method 1), so that timers made together
 * stand together in the store; ids made out of the order of time would be spread over it.
 */
export function newId(epochMs: number): string {
  const isNext = epochMs > last.msecs;
  last = isNext ? { msecs: epochMs, seq: 0 } : { msecs: last.msecs, seq: last.seq + 1 };
  return v7({ ...last, random: random() });
}

function random(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += RANDOM_BYTES;
  return pool.subarray(used - RANDOM_BYTES, used);
}
