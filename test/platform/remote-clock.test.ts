import { describe, expect, it } from '@jest/globals';
import { createRemoteClock } from '../../src/platform/index.ts';
import { createManualClock } from '../support/manual-clock.ts';

describe('The estimate of another clock', () => {
  it('is the reading and what has passed since its answer, so it is never ahead', () => {
    const clock = createManualClock();
    const remote = createRemoteClock({ clock });
    remote.observe(5000);
    clock.advance(250);
    expect(remote.now()).toBe(5250);
  });

  it('rests on the best of several readings: the one whose answer was fastest', () => {
    const clock = createManualClock();
    const remote = createRemoteClock({ clock });
    remote.observe(5000 - 40);
    remote.observe(5000 - 1);
    remote.observe(5000 - 90);
    expect(remote.now()).toBe(4999);
  });

  it('forgets old readings, so that a clock which runs slower than ours is followed', () => {
    const clock = createManualClock();
    const remote = createRemoteClock({ clock });
    remote.observe(5000);
    for (let reading = 0; reading < 20; reading++) remote.observe(4990);
    expect(remote.now()).toBe(4990);
  });

  it('follows a step in either direction at once, and says so', () => {
    const clock = createManualClock();
    const remote = createRemoteClock({ clock });
    expect(remote.observe(10_000)).toBe(false);
    expect(remote.observe(12_001)).toBe(true);
    expect(remote.now()).toBe(12_001);
    expect(remote.observe(5000)).toBe(true);
    expect(remote.now()).toBe(5000);
  });

  it('cannot be had before the first reading', () => {
    expect(() => createRemoteClock({ clock: createManualClock() }).now()).toThrow('not been read');
  });
});
