import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const RANDOM_BYTES = 16;
/** Asking the system for randomness costs more than the rest of an id; so for many at once. */
const pool = Buffer.alloc(256 * RANDOM_BYTES);
let used = pool.length;
let last = { msecs: 0, seq: 0 };

/**
 * A UUIDv7. Within this process each sorts behind the one before (RFC 9562 §6.2, method 1), so that timers made together
 * stand together in the store; ids made out of the order of time would be spread over it. The count begins anywhere in
 * the lower half of its 32 bits in every millisecond: those of other replicas are as far from it as any random number.
 */
export function newId(epochMs: number): string {
  const random = randomBytes();
  const isLater = epochMs > last.msecs;
  last = isLater ? { msecs: epochMs, seq: random.readUInt32BE() >>> 1 } : { msecs: last.msecs, seq: last.seq + 1 };
  return v7({ ...last, random });
}

function randomBytes(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += RANDOM_BYTES;
  return pool.subarray(used - RANDOM_BYTES, used);
}
