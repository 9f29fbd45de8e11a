import { describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import { createHoldings } from '../../src/scheduler/holdings.ts';
import { makeTimer } from '../support/timers.ts';

const MIB = 1024 * 1024;

describe('What a replica holds', () => {
  it('has no room left when large bodies were read into it, and has it again when their timers have left', () => {
    const holdings = createHoldings();
    const timer = { ...makeTimer({ bodyBytes: 32 * MIB }), claimId: v7() };
    const held = { timer, claimedAt: { monotonic: 0, wall: 0 }, place: 'ahead' as const };
    holdings.add(held);
    expect(holdings.room('ahead')).toBeGreaterThan(0);

    holdings.keepBody(held, Buffer.alloc(32 * MIB));
    expect(holdings.room('ahead')).toBe(0);
    expect(holdings.room('late')).toBe(0);

    holdings.remove(timer.id);
    expect(holdings.room('ahead')).toBeGreaterThan(0);
  });
});
