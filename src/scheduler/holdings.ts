import type { HeldTimer } from './held-timer.ts';

/** Rows in memory that were late when they were claimed, and as many that were still to come. */
const MAX_LATE = 5000;
const MAX_AHEAD = 5000;
/** Beyond the latter, for what a crowd must not keep out: timers due after it, and those that are short. */
const KEPT_FREE = 1000;
/** Of all bodies together. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Every timer this replica holds, wherever it is just now: in the due queue, in a lane, being sent, or waiting to be
 * recorded. Room is counted here, so that what is claimed always fits.
 */
export interface Holdings {
  readonly size: number;
  /** How many more timers fit that are late, and that are still to come. They share bytes alone, no places. */
  roomForLate(): number;
  roomAhead(): number;
  /** The same as the latter, with what is kept free of crowds. */
  roomBesideCrowd(): number;
  get(id: string): HeldTimer | undefined;
  add(held: HeldTimer): void;
  /** The timer's body was read by now; its bytes count until the timer leaves. */
  keepBody(held: HeldTimer, body: Uint8Array): void;
  /** The store knows what became of it. */
  remove(id: string): void;
  /** Keeps a place for a timer that is yet to be written; false when there is none. */
  reserve(bytes: number): boolean;
  /** Gives the place up again, also when the timer takes it by `add`. */
  unreserve(bytes: number): void;
  /** Called whenever a timer has left. */
  onRoom(listener: () => void): void;
}

export function createHoldings(): Holdings {
  /**
   * In boxes that are emptied: the tables that a Map grows out of stay linked to those that follow, so that one that has
   * become old would keep every timer since until the whole heap is collected.
   */
  const timers = new Map<string, { held: HeldTimer | undefined }>();
  let late = 0;
  let reserved = 0;
  let bytes = 0;
  let roomListener = () => {};
  const roomUnder = (most: number, taken: number) => (bytes >= MAX_BYTES ? 0 : Math.max(most - taken, 0));
  const ahead = () => timers.size - late + reserved;
  const roomBesideCrowd = () => roomUnder(MAX_AHEAD + KEPT_FREE, ahead());
  const bytesOf = (held: HeldTimer) => held.timer.body?.length ?? 0;

  return {
    get size() {
      return timers.size;
    },
    roomForLate: () => roomUnder(MAX_LATE, late),
    roomAhead: () => roomUnder(MAX_AHEAD, ahead()),
    roomBesideCrowd,
    get: (id) => timers.get(id)?.held,
    add(held) {
      timers.set(held.timer.id, { held });
      if (held.wasLate) late += 1;
      bytes += bytesOf(held);
    },
    keepBody(held, body) {
      held.timer.body = body;
      bytes += body.length;
    },
    remove(id) {
      const box = timers.get(id);
      if (box?.held === undefined) return;
      timers.delete(id);
      if (box.held.wasLate) late -= 1;
      bytes -= bytesOf(box.held);
      box.held = undefined;
      roomListener();
    },
    reserve(wanted) {
      if (roomBesideCrowd() === 0 || bytes + wanted > MAX_BYTES) return false;
      reserved += 1;
      bytes += wanted;
      return true;
    },
    unreserve(given) {
      reserved -= 1;
      bytes -= given;
    },
    onRoom(listener) {
      roomListener = listener;
    },
  };
}
