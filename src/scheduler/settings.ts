/** What the scheduler is told by the configuration. Times in milliseconds. */
export interface SchedulerSettings {
  batchSize: number;
  pollIntervalMs: number;
  /** How far ahead of their instant rows are claimed. At least two polls. */
  lookaheadMs: number;
  /** How long a claim is ours. At least lookahead + longest attempt + 5 s. */
  leaseMs: number;
  /** Attempts at once on this replica. */
  maxConcurrency: number;
  /** Attempts that may begin per second in one lane; null for no limit. */
  maxRatePerLane: number | null;
  /** A timer that could not be sent for this long after it was due fails as `undeliverable`, where its host does not answer. */
  giveUpAfterMs: number;
}
