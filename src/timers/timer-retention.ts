import type { TimerStatus } from './timer.ts';

/** What forgetting asks of a store. It locks nothing that a claim, a record or an insert waits for. */
export interface TimerRetention {
  /** Takes or keeps the lease `name` until the given instant. False while another holder has it. */
  holdLease(lease: { name: string; holder: string; now: number; until: number }): Promise<boolean>;

  /** Deletes the earliest timers that finished with this status within the stretch, with their attempts and keys. */
  purgeTimers(status: Exclude<TimerStatus, 'waiting' | 'executing'>, stretch: Stretch): Promise<Purged>;

  /** Deletes the idempotency keys that expired within the stretch. */
  purgeIdempotencyKeys(stretch: Stretch): Promise<Purged>;
}

/** What ended in `[from, before)`, epoch ms; one call takes up to `limit` (500 at most) or a few megabytes of it. */
export interface Stretch {
  from: number;
  before: number;
  limit: number;
}

export interface Purged {
  count: number;
  /** Where to go on: before it nothing is left. Null when nothing is left in the whole stretch. */
  next: number | null;
}
