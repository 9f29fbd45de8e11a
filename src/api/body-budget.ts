import { Problem } from './problem.ts';

/**
 * What is held of bodies that are still arriving, all together, in bytes. It lies outside the heap, which `npm start` allows
 * 512 MB, and comes on top: as much as may wait for the store, which is where it goes next.
 */
const MOST_HELD = 64 * 1024 * 1024;
/** What large ones may take of it, six of the largest: the rest stays for the small ones. */
const MOST_HELD_BY_LARGE = 48 * 1024 * 1024;
/** Up to this size a body is a small one, as those of single timers are. */
const SMALL_BODY = 64 * 1024;

/** One for the process. Whoever takes gives back as many bytes, whatever becomes of the request. */
export interface BodyBudget {
  /** Takes so many bytes for a body that is `bodyBytes` long as far as is known; false, and takes none, where so many are not left. */
  take(bytes: number, bodyBytes: number): boolean;
  give(bytes: number): void;
}

export function createBodyBudget(): BodyBudget {
  let held = 0;
  return {
    take(bytes, bodyBytes) {
      // A body that has its room already asks for no more with its next piece.
      if (bytes > 0 && held + bytes > (bodyBytes > SMALL_BODY ? MOST_HELD_BY_LARGE : MOST_HELD)) return false;
      held += bytes;
      return true;
    },
    give: (bytes) => void (held -= bytes),
  };
}

export const overloaded = () =>
  new Problem('overloaded', 'More is being sent to this replica than it can hold; try again.');
