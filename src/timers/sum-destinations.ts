import { DESTINATION_STATES, type DestinationReport } from './destination-store.ts';
import { latenessQuantile } from './lateness-counts.ts';

/** How one host is doing, over all replicas. */
export interface Destination extends Pick<
  DestinationReport,
  'host' | 'inFlight' | 'queued' | 'limit' | 'state' | 'attempts' | 'lastError'
> {
  /** Share of the attempts that were delivered; null without attempts, 1 only if all were. */
  successRate: number | null;
  /** Null without first attempts. */
  latenessP50Ms: number | null;
  latenessP99Ms: number | null;
}

const RATE_STEPS = 10_000;

/** One destination per host, the busiest first: by what it has in flight and queued, then by its attempts, then by name. */
export function sumDestinations(reports: DestinationReport[]): Destination[] {
  const byHost = Map.groupBy(reports, ({ host }) => host);
  return [...byHost].map(([host, told]) => sumOf(host, told)).sort(byBusyness);
}

export type Busyness = Pick<Destination, 'host' | 'inFlight' | 'queued' | 'attempts'>;

/** The order of a list: below zero where `a` comes before `b`. */
export const byBusyness = (a: Busyness, b: Busyness): number =>
  b.inFlight + b.queued - (a.inFlight + a.queued) || b.attempts - a.attempts || (a.host < b.host ? -1 : 1);

function sumOf(host: string, told: DestinationReport[]): Destination {
  const total = (of: (report: DestinationReport) => number) => told.reduce((sum, report) => sum + of(report), 0);
  const attempts = total((report) => report.attempts);
  const delivered = total((report) => report.delivered);
  const lateness = told.flatMap((report) => report.lateness);
  return {
    host,
    inFlight: total((report) => report.inFlight),
    queued: total((report) => report.queued),
    limit: total((report) => report.limit),
    state: DESTINATION_STATES.findLast((state) => told.some((report) => report.state === state)) ?? 'open',
    attempts,
    successRate: attempts === 0 ? null : Math.floor((delivered * RATE_STEPS) / attempts) / RATE_STEPS,
    latenessP50Ms: latenessQuantile(lateness, 0.5),
    latenessP99Ms: latenessQuantile(lateness, 0.99),
    lastError: told
      .map((report) => report.lastError)
      .reduce((last, error) => ((error?.at ?? -Infinity) > (last?.at ?? -Infinity) ? error : last), null),
  };
}
