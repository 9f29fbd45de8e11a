import type { DestinationReport } from '../../src/timers/index.ts';

/** What a replica tells of a host that has nothing to do and never failed. */
export const reportOf = (over: Partial<DestinationReport> = {}): DestinationReport => ({
  host: 'receiver.example',
  inFlight: 0,
  queued: 0,
  limit: 128,
  state: 'open',
  attempts: 0,
  delivered: 0,
  lateness: [],
  lastError: null,
  ...over,
});
