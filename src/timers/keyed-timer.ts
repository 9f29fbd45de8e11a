import type { Refusal } from './errors.ts';
import type { Timer } from './timer.ts';

/**
 * A timer that the client may have asked for before. If it has a key (`timer.key`), the timer that waits under that key is
 * changed into it; a new one is made only where none waits. With an idempotency record the request as a whole is carried out
 * once.
 */
export interface KeyedTimer {
  timer: Timer;
  idempotency: IdempotencyRecord | null;
}

/** Both kinds of keys belong to the timer's owner. */
export interface IdempotencyRecord {
  /** Printable ASCII, up to 255 characters. */
  key: string;
  /** SHA-256 over what was asked for, 32 bytes: tells a repeated request from another one under the same key. */
  requestHash: Uint8Array;
  /** Epoch ms. From then on the key counts as unused. */
  expiresAt: number;
  /** The answer to be given again, once it is known what came of the request. */
  answerOf: (stored: StoredTimer) => string;
}

/** The timer as it is stored now; `changed` keeps its id and its creation, and its fence goes on. */
export interface StoredTimer {
  kind: 'created' | 'changed';
  timer: Timer;
}

export type KeyedResult =
  | StoredTimer
  /** The request was carried out before; nothing was written. */
  | { kind: 'replayed'; answer: string }
  /**
   * `idempotency_key_reused` or `already_executing`, and nothing was written; or `store_unavailable`, where an earlier try may
   * have done it, whose answer was lost.
   */
  | { kind: 'refused'; refusal: Refusal };
