import type { HeldTimer, Place } from './held-timer.ts';

/**
 * Rows in memory, by what they were when they were claimed. A crowd that is known before its instant needs no claims while
 * it is sent: with the places for idle times, 20,000 timers due in one instant went out 7 % faster. They are apart from the
 * others, as a crowd takes long to leave, and those due beside it must be claimed meanwhile. With three times as many it was
 * 15 %, but the replica that looks first took most of a crowd that two could have sent.
 */
const PLACES: Record<Place, number> = { late: 5000, ahead: 5000, idle: 5000 };
/** Places that a crowd cannot take, for timers due after it and for short ones. */
const KEPT_FREE = 1000;
/** Of all bodies together. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Every timer this replica holds, wherever it is just now: in the due queue, in a lane, being sent, or waiting to be
 * recorded. Room is counted here, so that what is claimed always fits.
 */
export interface Holdings {
  readonly size: number;
  /** How many more timers fit in such places. The kinds share bytes alone, no places. */
  room(place: Place): number;
  /** The same for those ahead, with what is kept free of crowds. */
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
  const taken: Record<Place, number> = { late: 0, ahead: 0, idle: 0 };
  let bytes = 0;
  let roomListener = () => {};
  const roomUnder = (most: number, place: Place) => (bytes >= MAX_BYTES ? 0 : Math.max(most - taken[place], 0));
  const roomBesideCrowd = () => roomUnder(PLACES.ahead + KEPT_FREE, 'ahead');
  const bytesOf = (held: HeldTimer) => held.timer.body?.length ?? 0;

  return {
    get size() {
      return timers.size;
    },
    room: (place) => roomUnder(PLACES[place], place),
    roomBesideCrowd,
    get: (id) => timers.get(id)?.held,
    add(held) {
      timers.set(held.timer.id, { held });
      taken[held.place] += 1;
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
      taken[box.held.place] -= 1;
      bytes -= bytesOf(box.held);
      const { onceGone } = box.held;
      box.held = undefined;
      onceGone?.();
      roomListener();
    },
    reserve(wanted) {
      if (roomBesideCrowd() === 0 || bytes + wanted > MAX_BYTES) return false;
      taken.ahead += 1;
      bytes += wanted;
      return true;
    },
    unreserve(given) {
      taken.ahead -= 1;
      bytes -= given;
    },
    onRoom(listener) {
      roomListener = listener;
    },
  };
}
