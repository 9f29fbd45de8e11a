import { describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import type { Timer } from '../../src/timers/index.ts';
import { claimOf, makeTimer, makeTimers, resultOf, T0 } from '../support/timers.ts';
import type { OpenedStore } from './contract.ts';

const MIB = 1024 * 1024;

/** What every store promises to those who forget. */
export function describeRetention(opened: () => OpenedStore): void {
  const finishedAt = (wakeAt: number, over: Partial<Timer> = {}) => makeTimer({ status: 'done', wakeAt, ...over });

  describe('a lease', () => {
    it('has one holder, who can keep it, until it ends', async () => {
      const [first, second] = [v7(), v7()];
      const lease = { name: 'janitor', now: T0, until: T0 + 100 };

      expect(await opened().store.holdLease({ ...lease, holder: first })).toBe(true);
      expect(await opened().replica.holdLease({ ...lease, holder: second })).toBe(false);
      expect(await opened().store.holdLease({ ...lease, holder: first, until: T0 + 200 })).toBe(true);
      expect(await opened().replica.holdLease({ ...lease, holder: second, now: T0 + 199 })).toBe(false);
      expect(await opened().replica.holdLease({ ...lease, holder: second, now: T0 + 200, until: T0 + 300 })).toBe(true);
      expect(await opened().store.holdLease({ ...lease, holder: first, now: T0 + 250 })).toBe(false);
      expect(await opened().store.holdLease({ ...lease, name: 'other', holder: first })).toBe(true);
    });

    it('goes to one of many who want it at once', async () => {
      const wanted = Array.from({ length: 10 }, (_, index) =>
        (index % 2 ? opened().store : opened().replica).holdLease({
          name: 'janitor',
          holder: v7(),
          now: T0,
          until: T0 + 100,
        }),
      );
      expect((await Promise.all(wanted)).filter(Boolean)).toHaveLength(1);
    });
  });

  describe('a purge', () => {
    it('deletes what finished within the stretch, the earliest first, and tells where to go on', async () => {
      const timers = makeTimers(10, (index) => finishedAt(T0 + index));
      await opened().store.insert(timers);

      const first = await opened().store.purgeTimers('done', { from: 0, before: T0 + 8, limit: 5 });
      expect(first).toEqual({ count: 5, next: T0 + 4 });
      const second = await opened().store.purgeTimers('done', { from: first.next ?? NaN, before: T0 + 8, limit: 5 });
      expect(second).toEqual({ count: 3, next: null });

      const left = await opened().store.findFinished(timers.map(({ id }) => id));
      expect(left.map(({ id }) => id).sort()).toEqual(timers.slice(8).map(({ id }) => id));
    });

    it.each(['done', 'failed', 'cancelled', 'unknown'] as const)('of %s leaves every other status', async (status) => {
      const statuses = ['waiting', 'executing', 'done', 'failed', 'cancelled', 'unknown'] as const;
      const timers = statuses.map((each) => makeTimer({ status: each, wakeAt: T0 }));
      await opened().store.insert(timers);

      await opened().store.purgeTimers(status, { from: 0, before: T0 + 1, limit: 500 });

      for (const timer of timers) {
        expect((await opened().store.find(timer.id)) === undefined).toBe(timer.status === status);
      }
    });

    it('takes the attempts of a timer along, and no other’s', async () => {
      await opened().store.insert(makeTimers(2, () => ({ maxAttempts: 1 })));
      const claimed = await opened().store.claim(claimOf());
      const failed = { status: 'failed', reason: 'attempts_exhausted' } as const;
      await opened().store.record(
        claimed.map((held, index) => resultOf(held, { ...failed, wakeAt: T0 + index * 100 })),
      );

      expect(await opened().store.purgeTimers('failed', { from: 0, before: T0 + 50, limit: 500 })).toEqual({
        count: 1,
        next: null,
      });

      const [gone, kept] = claimed.map(({ id }) => id);
      expect(await opened().store.attemptsOf(gone ?? '', { afterFence: 0, limit: 9 })).toEqual([]);
      expect(await opened().store.attemptsOf(kept ?? '', { afterFence: 0, limit: 9 })).toHaveLength(1);
    });

    it('takes the key of a timer along, unless another timer has it by now', async () => {
      const keyed = (over: Partial<Timer>) => ({ timer: makeTimer({ owner: 'a', ...over }), idempotency: null });
      await opened().store.insertKeyed([keyed({ key: 'gone' }), keyed({ key: 'taken', owner: null })]);
      const first = await opened().store.claim(claimOf());
      await opened().store.record(first.map((held) => resultOf(held)));
      await opened().store.insertKeyed([keyed({ key: 'taken', owner: null, dueAt: T0 + 99_000 })]);

      await opened().store.purgeTimers('done', { from: 0, before: T0 + 100, limit: 500 });

      expect(await opened().store.findByKey({ owner: 'a', key: 'gone' })).toBeUndefined();
      expect(await opened().store.findByKey({ owner: null, key: 'taken' })).toMatchObject({ status: 'waiting' });
    });

    it('of large bodies takes a few megabytes at a time', async () => {
      const body = Buffer.alloc(MIB);
      await opened().store.insert(makeTimers(6, (index) => finishedAt(T0 + index, { body, bodyBytes: MIB })));

      const first = await opened().store.purgeTimers('done', { from: 0, before: T0 + 9, limit: 500 });

      expect(first).toEqual({ count: 4, next: T0 + 3 });
      const { next } = await opened().store.purgeTimers('done', { from: T0 + 3, before: T0 + 9, limit: 500 });
      expect(next).toBeNull();
    });

    it('of timers that were tried often takes a few thousand attempts at a time, also those of earlier runs', async () => {
      const over = [
        { fence: 1000, attempts: 1000 },
        { fence: 2000, attempts: 1, run: 1 },
      ] as const;
      await opened().store.insert(makeTimers(6, (index) => finishedAt(T0 + index, over[index % 2])));

      const first = await opened().store.purgeTimers('done', { from: 0, before: T0 + 9, limit: 500 });

      expect(first).toEqual({ count: 3, next: T0 + 2 });
      const { next } = await opened().store.purgeTimers('done', { from: T0 + 2, before: T0 + 9, limit: 500 });
      expect(next).toBe(T0 + 4);
    });

    it('of timers that were handed back often counts no attempts that were not made', async () => {
      await opened().store.insert(makeTimers(6, (index) => finishedAt(T0 + index, { fence: 1000 })));

      const first = await opened().store.purgeTimers('done', { from: 0, before: T0 + 9, limit: 500 });

      expect(first).toEqual({ count: 6, next: null });
    });

    it('deletes idempotency keys that have expired', async () => {
      const entry = (key: string, expiresAt: number) => ({
        timer: makeTimer(),
        idempotency: { key, requestHash: Buffer.alloc(32), expiresAt, answerOf: () => '{}' },
      });
      await opened().store.insertKeyed([entry('a', T0), entry('b', T0 + 1), entry('c', T0 + 2)]);

      expect(await opened().store.purgeIdempotencyKeys({ from: 0, before: T0 + 2, limit: 1 })).toEqual({
        count: 1,
        next: T0,
      });
      expect(await opened().store.purgeIdempotencyKeys({ from: T0, before: T0 + 2, limit: 500 })).toEqual({
        count: 1,
        next: null,
      });

      const [again, kept] = await opened().store.insertKeyed([entry('a', T0 + 9), entry('c', T0 + 9)]);
      expect([again?.kind, kept?.kind]).toEqual(['created', 'replayed']);
    });
  });
}
