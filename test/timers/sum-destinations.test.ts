import { describe, expect, it } from '@jest/globals';
import { sumDestinations } from '../../src/timers/index.ts';
import { reportOf } from '../support/destinations.ts';

const errorAt = (at: number) => ({ code: `at_${at}`, message: 'No answer.', at });

describe('The sum of what replicas tell', () => {
  it('adds up the counts of a host, takes the worst state, the latest error, and percentiles over all its first attempts', () => {
    const sums = sumDestinations([
      reportOf({ inFlight: 2, queued: 5, limit: 64, attempts: 90, delivered: 90, lateness: [[1, 90]] }),
      reportOf({ limit: 0, state: 'failing', attempts: 10, delivered: 0, lateness: [[12, 10]], lastError: errorAt(7) }),
      reportOf({ inFlight: 1, limit: 8, state: 'slow', lastError: errorAt(6) }),
    ]);

    expect(sums).toEqual([
      {
        host: 'receiver.example',
        inFlight: 3,
        queued: 5,
        limit: 72,
        state: 'failing',
        attempts: 100,
        successRate: 0.9,
        latenessP50Ms: 1,
        latenessP99Ms: 12,
        lastError: errorAt(7),
      },
    ]);
  });

  it('says nothing of rates and percentiles where there was nothing', () => {
    expect(sumDestinations([reportOf()])).toMatchObject([
      { state: 'open', successRate: null, latenessP50Ms: null, latenessP99Ms: null, lastError: null },
    ]);
  });

  it('tells a rate of 1 only if every attempt was delivered', () => {
    const rateOf = (delivered: number, attempts: number) =>
      sumDestinations([reportOf({ attempts, delivered })])[0]?.successRate;

    expect([rateOf(99_999, 100_000), rateOf(100_000, 100_000), rateOf(29, 100), rateOf(1, 3)]).toEqual([
      0.9999, 1, 0.29, 0.3333,
    ]);
  });

  it('has the busiest first: by calls in flight and waiting, then by attempts, then by name', () => {
    const sums = sumDestinations([
      reportOf({ host: 'd' }),
      reportOf({ host: 'c' }),
      reportOf({ host: 'b', attempts: 4 }),
      reportOf({ host: 'a', queued: 2 }),
      reportOf({ host: 'e', inFlight: 1 }),
      reportOf({ host: 'e', queued: 2 }),
    ]);

    expect(sums.map(({ host }) => host)).toEqual(['e', 'a', 'b', 'c', 'd']);
  });
});
