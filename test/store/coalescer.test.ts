import { describe, expect, it } from '@jest/globals';
import { createCoalescer } from '../../src/store/coalescer.ts';
import { createManualClock } from '../support/manual-clock.ts';

class StoreFault extends Error {}

/** A coalescer whose sends end when the test says so. */
function createRig(maxItems = 100) {
  const clock = createManualClock();
  const sends: { items: number[]; resolve: () => void; reject: (error: Error) => void }[] = [];
  const coalescer = createCoalescer<number>({
    send: (items) => new Promise((resolve, reject) => sends.push({ items, resolve, reject })),
    maxItems,
    maxBytes: 1000,
    sizeOf: () => 100,
    answerWithinMs: 4500,
    storeFault: (detail) => new StoreFault(detail),
    isStoreFault: (error) => error instanceof StoreFault,
    clock,
  });
  const sent = () => sends.map(({ items }) => items);
  return { coalescer, sends, sent, clock };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('A coalescer', () => {
  it('sends a lone call at once, and what comes meanwhile together afterwards', async () => {
    const { coalescer, sends, sent } = createRig();
    const first = coalescer.add([1]);
    const others = [coalescer.add([2]), coalescer.add([3, 4])];
    expect(sent()).toEqual([[1]]);

    sends[0]?.resolve();
    await first;
    await turn();
    expect(sent()).toEqual([[1], [2, 3, 4]]);

    sends[1]?.resolve();
    await Promise.all(others);
  });

  it('sends a second batch beside the one under way as soon as it is full, and no third', async () => {
    const { coalescer, sends, sent } = createRig(2);
    void coalescer.add([1]);
    void coalescer.add([2]);
    expect(sent()).toEqual([[1]]);
    void coalescer.add([3]);
    void coalescer.add([4, 5]);
    expect(sent()).toEqual([[1], [2, 3]]);

    void coalescer.add([6]);
    sends[1]?.resolve();
    await turn();
    expect(sent()).toEqual([[1], [2, 3], [4, 5]]);
    sends[2]?.resolve();
    await turn();
    expect(sent()).toHaveLength(3);
    sends[0]?.resolve();
    await turn();
    expect(sent()).toEqual([[1], [2, 3], [4, 5], [6]]);
  });

  it('never splits a call, and sends no more together than it may', async () => {
    const { coalescer, sends, sent } = createRig(3);
    void coalescer.add([1]);
    void coalescer.add([2, 3]);
    void coalescer.add([4, 5]);
    void coalescer.add([6, 7, 8, 9]);
    for (let index = 0; index < 4; index++) {
      sends[index]?.resolve();
      await turn();
    }
    expect(sent()).toEqual([[1], [2, 3], [4, 5], [6, 7, 8, 9]]);
  });

  it('tries the calls of a refused batch one by one, so that a bad one fails alone', async () => {
    const { coalescer, sends } = createRig();
    void coalescer.add([0]);
    const calls = Promise.allSettled([coalescer.add([1]), coalescer.add([2])]);
    sends[0]?.resolve();
    await turn();
    sends[1]?.reject(new Error('one of them'));
    await turn();
    sends[2]?.reject(new Error('this one'));
    await turn();
    sends[3]?.resolve();

    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it('refuses everything gathered when the store is away, and works again afterwards', async () => {
    const { coalescer, sends } = createRig();
    const calls = Promise.allSettled([coalescer.add([1]), coalescer.add([2]), coalescer.add([3])]);
    sends[0]?.reject(new StoreFault());
    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(sends).toHaveLength(1);

    const next = coalescer.add([4]);
    sends[1]?.resolve();
    await next;
  });

  it('answers in time when the store does not, and sends nothing of what it has refused', async () => {
    const { coalescer, sends, sent, clock } = createRig();
    const calls = Promise.allSettled([coalescer.add([1]), coalescer.add([2])]);

    clock.advance(4500);
    const answers = await calls;
    sends[0]?.resolve();
    await turn();

    expect(answers).toEqual(Array(2).fill({ status: 'rejected', reason: expect.any(StoreFault) }));
    expect(sent()).toEqual([[1]]);
  });

  it('refuses at once what would be too much to hold, until some of it is sent', async () => {
    const { coalescer, sends } = createRig();
    const held = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((item) => coalescer.add([item]));

    await expect(coalescer.add([11])).rejects.toThrow(StoreFault);
    sends[0]?.resolve();
    await held[0];
    await turn();

    const next = coalescer.add([12]);
    for (const index of [1, 2]) {
      sends[index]?.resolve();
      await turn();
    }
    await Promise.all([...held, next]);
  });

  it('stops trying the calls of a refused batch when the store goes away meanwhile', async () => {
    const { coalescer, sends } = createRig();
    void coalescer.add([0]);
    const calls = Promise.allSettled([coalescer.add([1]), coalescer.add([2]), coalescer.add([3])]);
    sends[0]?.resolve();
    await turn();
    sends[1]?.reject(new Error('one of them'));
    await turn();
    sends[2]?.reject(new StoreFault());

    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(sends).toHaveLength(3);
  });
});
