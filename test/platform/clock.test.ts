import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/platform/index.ts';

describe('The clock of the system', () => {
  test.each([0, 0.3, 0.7, 1.4])('calls back once after %d ms', async (delayMs) => {
    const called: string[] = [];
    systemClock.after(delayMs, () => called.push('called'));
    await new Promise<void>((resolve) => void systemClock.after(delayMs + 5, resolve));
    expect(called).toEqual(['called']);
  });

  test.each([5, 20])('calls back after %d ms, or less than two sooner', async (delayMs) => {
    // From before this turn of the loop, as the wait is counted from its beginning.
    const begunAt = systemClock.monotonic();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve) => void systemClock.after(delayMs, resolve));
    expect(systemClock.monotonic() - begunAt).toBeGreaterThan(delayMs - 2);
  });

  test.each([0.3, 0.7, 5])('does not call back after %d ms where that was cancelled', async (delayMs) => {
    const called: string[] = [];
    const cancel = systemClock.after(delayMs, () => called.push('cancelled'));
    cancel();
    await new Promise<void>((resolve) => void systemClock.after(delayMs + 2, resolve));
    expect(called).toEqual([]);
  });

  test('waits for longer than a timeout of the system can', async () => {
    const called: string[] = [];
    const cancel = systemClock.after(2 ** 40, () => called.push('much too soon'));
    await new Promise<void>((resolve) => void systemClock.after(5, resolve));
    cancel();
    expect(called).toEqual([]);
  });
});
