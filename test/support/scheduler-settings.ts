import type { SchedulerSettings } from '../../src/scheduler/index.ts';

/** As a service has them of which no variable is set. */
export const schedulerSettings: SchedulerSettings = {
  batchSize: 500,
  pollIntervalMs: 500,
  lookaheadMs: 1000,
  leaseMs: 30_000,
  maxConcurrency: 512,
  maxRatePerLane: null,
  giveUpAfterMs: 72 * 3_600_000,
};
