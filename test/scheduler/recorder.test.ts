import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { createHoldings } from '../../src/scheduler/holdings.ts';
import { createRecorder, type Recorder, type Result } from '../../src/scheduler/recorder.ts';
import type { ClaimResult } from '../../src/timers/index.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { makeTimer, T0 } from '../support/timers.ts';

const done: Result = { status: 'done', reason: null, wakeAt: T0, nextAttemptAt: T0, attempt: null };
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('The recorder', () => {
  let clock: ManualClock;
  let recorder: Recorder;
  let written: number[];

  beforeEach(() => {
    clock = createManualClock();
    written = [];
    recorder = createRecorder({
      store: {
        record: (results: ClaimResult[]) => {
          written.push(results.length);
          return Promise.resolve([]);
        },
      },
      holdings: createHoldings(),
      clock,
      paceClock: clock,
      logger: pino({ level: 'silent' }),
      onStoreError: () => undefined,
    });
  });

  const add = (count: number) => {
    for (let index = 0; index < count; index++) {
      recorder.add(
        { timer: { ...makeTimer(), claimId: 'c' }, claimedAt: { monotonic: 0, wall: 0 }, place: 'ahead' },
        done,
      );
    }
  };

  it('writes a lone result at once', async () => {
    add(1);
    await turn();
    expect(written).toEqual([1]);
    clock.advance(50);
    add(1);
    await turn();
    expect(written).toEqual([1, 1]);
  });

  it('writes together what follows within 50 ms', async () => {
    add(1);
    await turn();
    add(2);
    clock.advance(40);
    add(3);
    await turn();
    expect(written).toEqual([1]);
    clock.advance(10);
    await turn();
    expect(written).toEqual([1, 5]);
    expect(recorder.pending).toBe(0);
  });

  it('does not let a full batch wait, however it came together', async () => {
    add(1);
    await turn();
    add(499);
    await turn();
    expect(written).toEqual([1]);
    add(1);
    await turn();
    expect(written).toEqual([1, 500]);
  });

  it('does not let those wait who want everything written', async () => {
    add(1);
    await turn();
    add(2);
    expect(await recorder.flushed(1000)).toBe(true);
    expect(written).toEqual([1, 2]);
  });
});
