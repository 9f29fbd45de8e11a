import type { LatenessCounts } from './lateness-counts.ts';

/** From best to worst. `open`: as many calls as the host may get. `slow`: fewer. `failing`: one now and then, to see. */
export const DESTINATION_STATES = ['open', 'slow', 'failing'] as const;
export type DestinationState = (typeof DESTINATION_STATES)[number];

/** A replica that has been silent for this long is gone, or calls nobody. Several times the interval of its reports. */
export const SILENT_MS = 10_000;

/** How one host is doing, as one replica sees it. */
export interface DestinationReport {
  /** With the port, unless it is the scheme's own. */
  host: string;
  inFlight: number;
  /** Due, and waiting for a place among those in flight. */
  queued: number;
  /** How many may be in flight. */
  limit: number;
  state: DestinationState;
  /** Of the last minute, and of them those that were delivered. */
  attempts: number;
  delivered: number;
  /** Of first attempts of the last minute. */
  lateness: LatenessCounts;
  lastError: DestinationError | null;
}

export interface DestinationError {
  code: string;
  message: string;
  /** When the attempt ended, epoch ms by the store's clock. */
  at: number;
}

/** What schedulers tell of the hosts they call, for any replica to read. Instants are epoch ms by the store's clock. */
export interface DestinationStore {
  /** Puts this in place of what the replica told before. */
  publishDestinations(told: { replica: string; now: number; reports: DestinationReport[] }): Promise<void>;

  /** Forgets what the replica told, and those that have told nothing since the given instant. */
  forgetDestinations(query: { replica: string; silentSince: number }): Promise<void>;

  /** What those replicas told last that told something since the given instant: one report for each replica and host. */
  listDestinations(query: { toldSince: number }): Promise<DestinationReport[]>;
}
