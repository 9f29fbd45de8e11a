import type { Timer, TimerRetention } from '../timers/index.ts';

/** What presence asks of a database. As everywhere, instants are given, and any verb may throw `Refusal('store_unavailable')`. */
export interface PresenceStore extends Pick<TimerRetention, 'holdLease'> {
  /**
   * Stores the checks, at most 500; resolves only after the commit. Whoever comes second under one id, on whatever replica,
   * leaves the first as it is while that waits, and has another attempt before it expires. Otherwise it begins anew in its
   * own row, so that an object has one row however often it is checked: at once where it is over; where it runs, and may
   * have got an answer that is older than the news, as soon as its outcome is recorded, and where none is, when it must be
   * over by its deadline. No outcome of before is taken.
   */
  queueChecks(checks: Timer[]): Promise<void>;

  /** Tells that the replica performs checks, and may be taken for dead after that instant unless it tells so again. */
  keepChecker(checker: { replica: string; aliveUntil: number }): Promise<void>;

  /** The replica performs no more checks, and holds none. */
  dropChecker(replica: string): Promise<void>;

  /**
   * Where replicas have died, puts back, to be claimed at once, up to 500 timers of the action that were claimed while they
   * lived, by whomever, and as many that wait for the outcome of such a claim; what the holder comes up with later is dropped. Returns how many.
   */
  reviveChecks(query: { action: string; leaseMs: number; deadlineMs: number; now: number }): Promise<number>;

  /** Keeps of each object the latest sighting. Concurrent calls share one statement. */
  keepSightings(sightings: SeenObject[]): Promise<void>;

  findObject(id: string): Promise<SeenObject | undefined>;

  /** The first objects behind that id, in the order of the bytes of their ids. */
  listObjects(page: { after: string | null; limit: number }): Promise<SeenObject[]>;

  /**
   * Deletes up to `limit` (500 at most) objects last seen by then, the longest unseen first, and in the same transaction
   * stores what `farewellOf` makes of them: both happen or none. Returns how many.
   */
  forgetObjects(query: {
    seenUntil: number;
    limit: number;
    farewellOf: (forgotten: SeenObject[]) => Timer[];
  }): Promise<number>;
}

export interface SeenObject {
  id: string;
  /** Epoch ms by the store's clock. */
  lastSeen: number;
}
