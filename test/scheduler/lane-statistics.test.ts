import { describe, expect, it } from '@jest/globals';
import { createLaneStatistics } from '../../src/scheduler/lane-statistics.ts';

describe('The statistics of a lane', () => {
  it('forget within five seconds what is older than a minute, and nothing before', () => {
    const statistics = createLaneStatistics();
    for (let second = 0; second < 200; second++) {
      statistics.add(second % 2 === 0 ? 'delivered' : 'unreachable', 10, second * 1000);
      statistics.addLateness(second % 3, second * 1000);
    }

    const { attempts, delivered } = statistics.lastMinute(200_000);

    expect(attempts).toBeGreaterThanOrEqual(55);
    expect(attempts).toBeLessThanOrEqual(60);
    expect(Math.abs(attempts - 2 * delivered)).toBeLessThanOrEqual(1);
    const lateness = statistics.latenessOfLastMinute(200_000);
    expect(lateness.map(([bucket]) => bucket).sort()).toEqual([0, 1, 2]);
    expect(lateness.reduce((sum, [, count]) => sum + count, 0)).toBe(attempts);
  });

  it('are empty again after a minute without anything', () => {
    const statistics = createLaneStatistics();
    statistics.add('delivered', 10, 0);
    statistics.addLateness(7, 0);

    expect(statistics.latenessOfLastMinute(59_999)).toEqual([[7, 1]]);
    expect(statistics.latenessOfLastMinute(60_000)).toEqual([]);
    expect(statistics.lastMinute(60_000)).toEqual({ attempts: 0, delivered: 0 });
  });
});
