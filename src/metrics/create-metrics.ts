import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ClaimResult } from '../timers/index.ts';

/** Upper bounds, seconds: at the fine end for what the service promises, at the coarse one for what it does when it cannot. */
const LATENESS = [0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600];
const DURATION = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * What one replica counts of itself since its start, for Prometheus, which adds those of several up. Durations are in seconds,
 * as is the custom there. No label carries a client's own words, so that the number of series is bounded.
 */
export interface Metrics {
  /** A timer of this action came to a result: it was called, or it was given up or handed back uncalled. */
  onResult(action: string, result: Pick<ClaimResult, 'status' | 'attempt'>): void;
  /** A request was answered; `route` is the pattern that it matched, null where none did. */
  onAnswered(answer: { method: string; route: string | null; status: number; durationMs: number }): void;
  /** In the text format of Prometheus, which `contentType` names. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(deps: {
  isReady: () => boolean;
  load: () => { held: number; queued: number; inFlight: number; unrecorded: number };
  /** The store's clock minus the replica's own. */
  clockOffsetMs: () => number;
}): Metrics {
  const { isReady, load, clockOffsetMs } = deps;
  const registry = new Registry();
  const registers = [registry];

  const lateness = new Histogram({
    name: 'punctual_lateness_seconds',
    help: 'From the instant a timer was due to the sending of its first attempt, whole milliseconds.',
    labelNames: ['action'],
    buckets: LATENESS,
    registers,
  });
  const attempts = new Counter({
    name: 'punctual_attempts_total',
    help: 'Attempts, by what the timer was after them: done, waiting for another one, failed or unknown.',
    labelNames: ['action', 'status'],
    registers,
  });
  const attemptDuration = new Histogram({
    name: 'punctual_attempt_duration_seconds',
    help: 'How long an attempt took, from look-up to answer.',
    labelNames: ['action'],
    buckets: DURATION,
    registers,
  });
  const unsent = new Counter({
    name: 'punctual_unsent_total',
    help: 'Claimed timers that were not called: handed back (waiting), or expired, undeliverable or lost too often (failed).',
    labelNames: ['action', 'status'],
    registers,
  });
  const requestDuration = new Histogram({
    name: 'punctual_http_request_duration_seconds',
    help: 'How long a request to the API took, from its headers to the end of the answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: DURATION,
    registers,
  });
  /** Read when it is asked for. */
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('punctual_ready', 'Whether /ready says so: 1 or 0.', () => Number(isReady()));
  gauge('punctual_timers_held', 'Timers claimed by this replica and not recorded yet.', () => load().held);
  gauge('punctual_timers_queued', 'Of these, those that are due and wait for a slot.', () => load().queued);
  gauge('punctual_attempts_in_flight', 'Of these, those that are being called.', () => load().inFlight);
  gauge('punctual_results_unrecorded', 'Of these, those whose result is not written yet.', () => load().unrecorded);
  gauge(
    'punctual_clock_offset_seconds',
    "The database's clock, by which timers are fired, minus the replica's own.",
    () => clockOffsetMs() / 1000,
  );

  return {
    onResult(action, { status, attempt }) {
      if (attempt === null) {
        unsent.inc({ action, status });
        return;
      }
      attempts.inc({ action, status });
      attemptDuration.observe({ action }, attempt.durationMs / 1000);
      // A later attempt bears the lateness of the first once more.
      if (attempt.number === 1) lateness.observe({ action }, attempt.latenessMs / 1000);
    },
    onAnswered({ method, route, status, durationMs }) {
      requestDuration.observe({ method, route: route ?? 'none', status }, durationMs / 1000);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
