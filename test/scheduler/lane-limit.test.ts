import { expect, test } from '@jest/globals';
import { createLaneLimit, type LaneLimit } from '../../src/scheduler/lane-limit.ts';
import type { Verdict } from '../../src/timers/index.ts';

const CAP = 128;
const TIMEOUT_MS = 5000;
const MINUTES_MS = 300_000;

interface Call {
  startedAt: number;
  endedAt: number;
  verdict: Verdict;
}

/** A host that always has calls waiting for it; the n-th takes as long, and ends, as told. Returns the least limit seen. */
function call(limit: LaneLimit, host: (n: number) => { verdict: Verdict; takesMs: number }): number {
  const inFlight: Call[] = [];
  let least = Infinity;
  let n = 0;
  for (let now = 0; now < MINUTES_MS; now += 10) {
    for (const ended of inFlight.filter(({ endedAt }) => endedAt <= now)) {
      inFlight.splice(inFlight.indexOf(ended), 1);
      limit.ended(ended.verdict, ended);
      least = Math.min(least, limit.value);
    }
    while (limit.allows(inFlight.length, now)) {
      const { verdict, takesMs } = host(n++);
      inFlight.push({ verdict, startedAt: now, endedAt: now + takesMs });
    }
  }
  return least;
}

test('A host that works, though of five calls it refuses two and leaves one unanswered, gets as many at once as any other', () => {
  const limit = createLaneLimit({ cap: CAP });
  const verdicts: Verdict[] = ['delivered', 'answered', 'unreachable', 'delivered', 'answered'];
  const least = call(limit, (n) => {
    const verdict = verdicts[n % verdicts.length] ?? 'delivered';
    return { verdict, takesMs: verdict === 'unreachable' ? TIMEOUT_MS : 2000 };
  });
  expect(least).toBeGreaterThanOrEqual(32);
  expect(limit.value).toBeGreaterThan(100);
});

test('One that refuses every call, but for every fifth that goes unanswered, keeps what a host gets that nothing is known of', () => {
  const limit = createLaneLimit({ cap: CAP });
  call(limit, (n) =>
    n % 5 === 0 ? { verdict: 'unreachable', takesMs: TIMEOUT_MS } : { verdict: 'answered', takesMs: 1000 },
  );
  expect(limit.value).toBeGreaterThanOrEqual(24);
  expect(limit.value).toBeLessThanOrEqual(32);
});

test('One that answers nothing gets half as many with every round, and then a call now and then', () => {
  const limit = createLaneLimit({ cap: CAP });
  const values: number[] = [];
  for (let round = 0; round < 6; round++) {
    const startedAt = round * TIMEOUT_MS;
    const endedAt = startedAt + TIMEOUT_MS;
    for (let count = Math.max(limit.value, 1); count > 0; count--) limit.ended('unreachable', { startedAt, endedAt });
    values.push(limit.value);
  }
  expect(values).toEqual([16, 8, 4, 2, 1, 0]);
  expect(limit.state).toBe('failing');
  expect(limit.allows(0, 6 * TIMEOUT_MS)).toBe(false);
  expect(limit.allows(0, limit.probeAt)).toBe(true);
  expect(limit.allows(1, limit.probeAt)).toBe(false);
});

test('One that leaves two of three calls unanswered gets fewer and fewer at once, until it answers', () => {
  const limit = createLaneLimit({ cap: CAP });
  call(limit, (n) =>
    n % 3 === 0 ? { verdict: 'delivered', takesMs: 1000 } : { verdict: 'unreachable', takesMs: TIMEOUT_MS },
  );
  expect(limit.value).toBeLessThan(10);
  for (let count = 0; count < CAP; count++) {
    limit.ended('delivered', { startedAt: MINUTES_MS + count, endedAt: MINUTES_MS + count });
  }
  expect(limit.value).toBe(CAP);
});

test('One that says it is overloaded gets half as many at once, though never none, and no less for the calls that were under way', () => {
  const limit = createLaneLimit({ cap: CAP });
  for (let count = 0; count < 10; count++) limit.ended('overloaded', { startedAt: 0, endedAt: 100 });
  expect(limit.value).toBe(16);
  for (let round = 1; round < 10; round++)
    limit.ended('overloaded', { startedAt: 100 * round, endedAt: 100 * round + 100 });
  expect(limit.value).toBe(1);
  expect(limit.state).toBe('slow');
});

test('Time-outs of calls that began before the host was found dead do not raise its limit again', () => {
  const limit = createLaneLimit({ cap: CAP });
  for (let round = 0; round < 6; round++) {
    for (let count = 0; count < 32; count++) {
      limit.ended('unreachable', { startedAt: round * 100, endedAt: (round + 1) * 100 });
    }
  }
  expect(limit.value).toBe(0);
  limit.ended('unreachable', { startedAt: 0, endedAt: 700 });
  expect(limit.value).toBe(0);
  expect(limit.state).toBe('failing');
});
