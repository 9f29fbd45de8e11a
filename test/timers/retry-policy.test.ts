import { describe, expect, it } from '@jest/globals';
import { retryDelayMs } from '../../src/timers/index.ts';

const delay = (over: Partial<Parameters<typeof retryDelayMs>[0]>) =>
  retryDelayMs({ attempt: 1, plan: null, retryAfterMs: null, random: () => 1, ...over });

describe('The delay before another try', () => {
  it('doubles from 5 s to an hour', () => {
    expect([1, 2, 3, 10, 11, 50].map((attempt) => delay({ attempt }))).toEqual([
      5000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000,
    ]);
  });

  it('is spread over its whole length, so that what failed together does not come back together', () => {
    expect(delay({ random: () => 0 })).toBe(0);
    expect(delay({ random: () => 0.5 })).toBe(2500);
  });

  it("follows the timer's own bounds, or its own list whose last entry repeats", () => {
    expect(delay({ attempt: 3, plan: { base_ms: 100, cap_ms: 300 } })).toBe(300);
    expect([1, 2, 3].map((attempt) => delay({ attempt, plan: { delays_ms: [10, 70] } }))).toEqual([10, 70, 70]);
  });

  it('is lengthened by the wish of the receiver up to an hour, and never shortened by it', () => {
    expect(delay({ retryAfterMs: 60_000 })).toBe(60_000);
    expect(delay({ retryAfterMs: 1 })).toBe(5000);
    expect(delay({ retryAfterMs: 86_400_000 })).toBe(3_600_000);
  });
});
