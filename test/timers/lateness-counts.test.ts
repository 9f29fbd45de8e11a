import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { latenessBucket, latenessQuantile, type LatenessCounts } from '../../src/timers/lateness-counts.ts';

const countsOf = (...latenesses: number[]): LatenessCounts => latenesses.map((ms) => [latenessBucket(ms), 1]);

describe('A quantile of counted latenesses', () => {
  it('is exact up to 15 ms, and null where nothing was counted', () => {
    const all = Array.from({ length: 16 }, (_, ms) => ms);

    expect(all.map((ms) => latenessQuantile(countsOf(ms), 0.5))).toEqual(all);
    expect(latenessQuantile([], 0.5)).toBeNull();
  });

  it('is never less than what was counted, nor more than an eighth above it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 2 ** 31 - 1 }), (ms) => {
        const told = latenessQuantile(countsOf(ms), 0.99) ?? 0;
        expect(told).toBeGreaterThanOrEqual(ms);
        expect(told).toBeLessThan(ms * 1.125);
      }),
    );
  });

  it('takes what was counted by rank, in whatever order and pieces it comes', () => {
    const counts: LatenessCounts = [
      [9, 1],
      [1, 49],
      [2, 40],
      [1, 9],
      [0, 1],
    ];

    expect([0.01, 0.5, 0.59, 0.6, 0.99, 1].map((share) => latenessQuantile(counts, share))).toEqual([0, 1, 1, 2, 2, 9]);
  });

  it('takes any number: fractions, below zero, beyond all bounds', () => {
    expect([0.9, -5, 2 ** 40].map((ms) => latenessQuantile(countsOf(ms), 0.5))).toEqual([0, 0, 2 ** 31 - 1]);
  });
});
