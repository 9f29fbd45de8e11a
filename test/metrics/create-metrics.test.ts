import { describe, expect, it } from '@jest/globals';
import { createMetrics } from '../../src/metrics/index.ts';
import type { ClaimResult } from '../../src/timers/index.ts';

const metricsOf = (load = { held: 0, queued: 0, inFlight: 0, unrecorded: 0 }) =>
  createMetrics({ isReady: () => true, load: () => load, clockOffsetMs: () => -250 });

const resultOf = (
  status: ClaimResult['status'],
  attempt: { number: number; latenessMs: number; durationMs: number } | null,
) => ({ status, attempt }) as Pick<ClaimResult, 'status' | 'attempt'>;

const linesOf = async (metrics: { text(): Promise<string> }) => (await metrics.text()).split('\n');

describe('The metrics of a replica', () => {
  it('tell how late first attempts were, and no later ones, as these bear the same lateness', async () => {
    const metrics = metricsOf();
    metrics.onResult('webhook', resultOf('waiting', { number: 1, latenessMs: 2, durationMs: 40 }));
    metrics.onResult('webhook', resultOf('done', { number: 2, latenessMs: 2, durationMs: 40 }));
    metrics.onResult('webhook', resultOf('done', { number: 1, latenessMs: 40, durationMs: 4 }));

    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'punctual_lateness_seconds_bucket{le="0.001",action="webhook"} 0',
        'punctual_lateness_seconds_bucket{le="0.002",action="webhook"} 1',
        'punctual_lateness_seconds_bucket{le="0.025",action="webhook"} 1',
        'punctual_lateness_seconds_bucket{le="0.05",action="webhook"} 2',
        'punctual_lateness_seconds_bucket{le="+Inf",action="webhook"} 2',
        'punctual_lateness_seconds_sum{action="webhook"} 0.042',
        'punctual_lateness_seconds_count{action="webhook"} 2',
        'punctual_attempts_total{action="webhook",status="waiting"} 1',
        'punctual_attempts_total{action="webhook",status="done"} 2',
        'punctual_attempt_duration_seconds_count{action="webhook"} 3',
      ]),
    );
  });

  it('tell of timers that were not called apart from those that were', async () => {
    const metrics = metricsOf();
    metrics.onResult('webhook', resultOf('waiting', null));
    metrics.onResult('webhook', resultOf('failed', null));
    metrics.onResult('webhook', resultOf('failed', null));

    const lines = await linesOf(metrics);
    expect(lines).toContain('punctual_unsent_total{action="webhook",status="waiting"} 1');
    expect(lines).toContain('punctual_unsent_total{action="webhook",status="failed"} 2');
    expect(lines.join('\n')).not.toMatch(/punctual_attempts_total\{|punctual_lateness_seconds_count\{/);
  });

  it('tell of requests by the pattern of their route', async () => {
    const metrics = metricsOf();
    metrics.onAnswered({ method: 'GET', route: '/timers/:id', status: 200, durationMs: 30 });
    metrics.onAnswered({ method: 'GET', route: null, status: 404, durationMs: 1 });

    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'punctual_http_request_duration_seconds_bucket{le="0.025",method="GET",route="/timers/:id",status="200"} 0',
        'punctual_http_request_duration_seconds_bucket{le="0.05",method="GET",route="/timers/:id",status="200"} 1',
        'punctual_http_request_duration_seconds_count{method="GET",route="none",status="404"} 1',
      ]),
    );
  });

  it('tell what is under way as it is when they are read', async () => {
    const load = { held: 0, queued: 0, inFlight: 0, unrecorded: 0 };
    const metrics = metricsOf(load);
    expect(await linesOf(metrics)).toContain('punctual_timers_held 0');

    Object.assign(load, { held: 9, queued: 4, inFlight: 3, unrecorded: 2 });

    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'punctual_ready 1',
        'punctual_timers_held 9',
        'punctual_timers_queued 4',
        'punctual_attempts_in_flight 3',
        'punctual_results_unrecorded 2',
        'punctual_clock_offset_seconds -0.25',
      ]),
    );
  });
});
