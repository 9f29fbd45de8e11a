import type { DestinationStore } from './destination-store.ts';
import type { KeyedResult, KeyedTimer } from './keyed-timer.ts';
import type { TimerChanges } from './timer-changes.ts';
import type { TimerLists } from './timer-lists.ts';
import type { TimerRetention } from './timer-retention.ts';
import type { FailureReason, ClaimedTimer, LastAttempt, Timer, TimerStatus } from './timer.ts';

/**
 * Everything Punctual asks of a database. All instants are epoch milliseconds by the store's clock; those given to a verb
 * are parameters, so a manual clock works on every engine. Any verb may throw `Refusal('store_unavailable')`, which leaves
 * it open whether a write was done. However slow or silent a database server is, every verb answers or is refused within
 * 5 s. A value that fits no column is told by `BadValue`.
 */
export interface TimerStore extends DestinationStore, TimerLists, TimerChanges, TimerRetention {
  /** The store's clock, with fractions of a millisecond. Rejects, as a pulse does, where the store takes no writes. */
  readClock(): Promise<number>;

  /**
   * Stores the timers; resolves only after the commit, and then all of them are durable. Repeating a timer that is already
   * stored changes nothing. Concurrent calls share one statement.
   */
  insert(timers: Timer[]): Promise<void>;

  /**
   * Stores timers that come with keys, in one transaction, and says in their order what became of them; see `KeyedTimer`.
   * Resolves only after the commit. Of concurrent calls with the same key, on whatever replica, each sees the other's
   * whole effect or none of it. A replica that executes the timer of a key keeps it: the change is refused.
   */
  insertKeyed(entries: KeyedTimer[]): Promise<KeyedResult[]>;

  find(id: string): Promise<Timer | undefined>;

  /** The latest timer made under a key of this owner, whatever became of it. */
  findByKey(query: { owner: string | null; key: string }): Promise<Timer | undefined>;

  /** The bytes of a body that a claim left out because of its size; undefined when the claim is no longer ours. */
  readBody(held: HeldRow): Promise<Uint8Array | undefined>;

  /** One look at what there is to do. It takes no lock and changes nothing. */
  pulse(query: PulseQuery): Promise<Pulse>;

  /**
   * Takes up to `limit` rows of the range, the earliest first, for `claimId` until `leaseEndsAt`, and returns those that a
   * read after the commit showed to be ours. No row is ever returned to two claims. Rows of `executing` (whose lease ran
   * out within the range) come back with `lost` one higher; those with a marked send are left to `expireSends`. When this throws, rows may have been taken: nothing of the
   * claim may be sent, and `releaseClaim` has to follow.
   */
  claim(query: ClaimQuery): Promise<ClaimedTimer[]>;

  /** Hands back every row that still carries the claim; each is found again at its own next attempt, or `now` if that has passed. */
  releaseClaim(claim: { claimId: string; leaseEndsAt: number; now: number }): Promise<void>;

  /**
   * Marks that the sends of these at-most-once timers begin. Returns the ids that are not ours any more. Only what this
   * resolved for, and did not return, may be sent: once marked, a timer whose lease runs out is never sent again.
   */
  markSends(held: HeldRow[], startedAt: number): Promise<string[]>;

  /** Ends as `unknown` up to `limit` timers whose send was marked and whose lease ran out within the range. Returns how many. */
  expireSends(query: { wakeFrom: number; wakeTo: number; limit: number; now: number }): Promise<number>;

  /**
   * Writes what became of claimed rows, at most 500. Each is changed only if its claim is still the one given and the claim
   * has no result yet, so a repetition changes nothing. Returns the ids whose claim was lost to another; theirs is dropped.
   */
  record(results: ClaimResult[]): Promise<string[]>;

  close(): Promise<void>;
}

export interface HeldRow {
  id: string;
  claimId: string;
}

export interface PulseQuery {
  /** Fresh rows: waiting and waking in `[freshFrom, freshTo]`. */
  freshFrom: number;
  freshTo: number;
  /** Backlog: waiting and waking in `[backlogFrom, freshFrom)`. A floor keeps the scan off the index's dead head. */
  backlogFrom: number;
  /** Leases that end at `leasesFrom` or later, whether they have run out or not; null spares the look. */
  leasesFrom: number | null;
}

export interface Pulse {
  /** The store's clock as read by this look. */
  storeNow: number;
  /** Wake of the first row of each kind; null when there is none, or none was looked for. */
  fresh: number | null;
  backlog: number | null;
  lease: number | null;
}

export interface ClaimQuery {
  from: 'waiting' | 'executing';
  /** Rows waking in `[wakeFrom, wakeTo]`. `wakeTo` lies before `leaseEndsAt`: a row taken by another claim no longer matches. */
  wakeFrom: number;
  wakeTo: number;
  limit: number;
  claimId: string;
  leaseEndsAt: number;
}

/** An attempt's outcome, or with `attempt` null a row handed back unsent or finished without a try. */
export interface ClaimResult extends HeldRow {
  status: Exclude<TimerStatus, 'executing' | 'cancelled'>;
  reason: FailureReason | null;
  /** See `Timer`; where the row waits again, no earlier than `nextAttemptAt`. */
  wakeAt: number;
  nextAttemptAt: number;
  attempt: RecordedAttempt | null;
}

/** `firedAt` is the send instant; `latenessMs` is that of the run's first attempt. */
export interface RecordedAttempt extends LastAttempt {
  firedAt: number;
  latenessMs: number;
  durationMs: number;
  run: number;
  /** Counted from 1. */
  number: number;
  fence: number;
}
