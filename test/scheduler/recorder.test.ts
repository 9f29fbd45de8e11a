import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { createHoldings, type Holdings } from '../../src/scheduler/holdings.ts';
import type { HeldTimer } from '../../src/scheduler/held-timer.ts';
import { createRecorder, type Recorder, type Result } from '../../src/scheduler/recorder.ts';
import { BadValue, Refusal, type ClaimResult } from '../../src/timers/index.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { makeTimer, T0 } from '../support/timers.ts';

const done: Result = { status: 'done', reason: null, wakeAt: T0, nextAttemptAt: T0, attempt: null };
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('The recorder', () => {
  let clock: ManualClock;
  let recorder: Recorder;
  let written: number[];
  let lastWritten: ClaimResult[];
  let holdings: Holdings;
  /** What the store says to a statement that contains the result of this timer. */
  let faults: Map<string, Error>;

  beforeEach(() => {
    clock = createManualClock();
    written = [];
    holdings = createHoldings();
    faults = new Map();
    recorder = createRecorder({
      store: {
        record: (results: ClaimResult[]) => {
          const fault = results.map(({ id }) => faults.get(id)).find((error) => error !== undefined);
          if (fault !== undefined) return Promise.reject(fault);
          written.push(results.length);
          lastWritten = results;
          return Promise.resolve([]);
        },
      },
      holdings,
      storeClock: clock,
      clock,
      paceClock: clock,
      logger: pino({ level: 'silent' }),
      onStoreError: () => undefined,
    });
  });

  function add(count: number, result = done): string[] {
    return Array.from({ length: count }, () => {
      const timer = { ...makeTimer(), claimId: 'c' };
      const held: HeldTimer = { timer, claimedAt: { monotonic: 0, wall: 0 }, place: 'ahead' };
      holdings.add(held);
      recorder.add(held, result);
      return timer.id;
    });
  }

  /** One result that has the fault among nine that have none, given to the store at the same time. */
  async function addWithFault(error: Error): Promise<string> {
    add(1);
    const [bad] = add(10);
    faults.set(bad ?? '', error);
    clock.advance(50);
    await turn();
    return bad ?? '';
  }

  it('has what waits again woken no earlier than it is written: passes look no further back than writes may take', async () => {
    const retry: Result = { ...done, status: 'waiting', wakeAt: T0 + 300, nextAttemptAt: T0 + 300 };
    const [id = ''] = add(1, retry);
    add(1);
    faults.set(id, new Refusal('store_unavailable', 'It is away.'));
    await turn();
    faults.clear();
    clock.advance(15_000);
    await turn();

    expect(lastWritten).toMatchObject([
      { status: 'waiting', wakeAt: T0 + 15_000, nextAttemptAt: T0 + 300 },
      { status: 'done', wakeAt: T0, nextAttemptAt: T0 },
    ]);
  });

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

  it('drops a result whose own values are at fault, and writes the others', async () => {
    const bad = await addWithFault(new BadValue(new Error('out of range')));

    expect(written).toEqual([1, ...Array<number>(9).fill(1)]);
    expect(recorder.pending).toBe(0);
    expect(holdings.get(bad)).toBeUndefined();
  });

  it('keeps a result that is refused for another reason, and writes the others meanwhile', async () => {
    const bad = await addWithFault(new Error('not seen before'));

    expect(written).toEqual([1, ...Array<number>(9).fill(1)]);
    expect(recorder.pending).toBe(1);
    expect(holdings.size).toBe(1);

    clock.advance(50);
    const leftWhenFlushed = recorder.flushed(5000).then(() => recorder.pending);
    add(5);
    await turn();
    expect(written.at(-1)).toBe(5);
    expect(recorder.pending).toBe(1);

    faults.clear();
    clock.advance(2000);
    expect(await leftWhenFlushed).toBe(0);
    expect(written.at(-1)).toBe(1);
    expect(holdings.get(bad)).toBeUndefined();
  });

  it('keeps all results while all are refused for the same reason, and is done once they are written', async () => {
    const ids = add(10);
    for (const id of ids) faults.set(id, new Error('not seen before'));
    const flushed = recorder.flushed(5000);
    await turn();
    clock.advance(100);
    await turn();
    expect(written).toEqual([]);
    expect(recorder.pending).toBe(10);

    faults.clear();
    clock.advance(200);
    expect(await flushed).toBe(true);
    expect(written).toEqual([10]);
    expect(holdings.size).toBe(0);
  });
});
