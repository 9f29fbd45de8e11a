import { expect, test } from '@jest/globals';
import type { HeldTimer } from '../../src/scheduler/held-timer.ts';
import { createLane, prospectsOf, settle } from '../../src/scheduler/lane.ts';
import { createLanes } from '../../src/scheduler/lanes.ts';
import type { Verdict } from '../../src/timers/index.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { makeTimer } from '../support/timers.ts';

const held = (): HeldTimer => ({
  timer: { ...makeTimer(), claimId: crypto.randomUUID() },
  claimedAt: { monotonic: 0, wall: 0 },
  place: 'ahead',
});

test('What queues for a host goes on as soon as the host has shown that it works, with nothing else to bring that about', async () => {
  const ends: ((verdict: Verdict) => void)[] = [];
  const start = () => new Promise<Verdict>((resolve) => ends.push(resolve));
  // A fourth of the slots is for hosts that nothing is known of: one.
  const lanes = createLanes({ maxConcurrency: 4, maxRatePerLane: null, clock: createManualClock(), start });
  for (let count = 0; count < 10; count++) lanes.enqueue(held(), { name: 'webhook host', concurrency: 128 }, false);
  expect(lanes.inFlight).toBe(1);

  ends[0]?.('delivered');
  await new Promise((resolve) => setImmediate(resolve));

  expect(lanes.inFlight).toBe(4);
});

test('What a lane cannot send is left alone for minutes only where the host was seen to fail', () => {
  const lane = createLane({ name: 'webhook host', cap: 128, now: 0 });
  expect(prospectsOf(lane, 0).longestMs).toBe(10_000);
  settle(lane, 'delivered', { startedAt: 0, endedAt: 20 });
  expect(prospectsOf(lane, 20).longestMs).toBe(1000);
  for (let at = 100; at < 1000; at++) settle(lane, 'delivered', { startedAt: at - 5000, endedAt: at });
  expect(prospectsOf(lane, 1000).longestMs).toBeCloseTo(50_000, -2);
  for (let at = 1001; at < 1004; at++) settle(lane, 'unreachable', { startedAt: at, endedAt: at });
  expect(prospectsOf(lane, 1004).longestMs).toBe(300_000);
});
