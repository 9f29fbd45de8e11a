import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { parseApiKeys } from '../../src/api/index.ts';
import { claimOf, makeTimers, resultOf, T0 } from '../support/timers.ts';
import { serviceUnderTest } from './service-under-test.ts';

const SHOP = '0'.repeat(32);

let service: Awaited<ReturnType<typeof serviceUnderTest>>;
beforeEach(async () => {
  service = await serviceUnderTest();
});
afterEach(() => service.close());

describe('POST /timers/cancel', () => {
  it('cancels everything that waits and matches, and says how many', async () => {
    const timers = makeTimers(1300, (index) => ({ label: index % 2 ? 'x' : 'y', dueAt: T0 + 60_000 + index }));
    await service.store.insert(timers);

    const answer = await service.post('/timers/cancel', { filter: { label: 'x' } });

    expect([answer.status, answer.body]).toEqual([200, { cancelled: 650, more: false }]);
    expect(await service.find(timers[1]?.id ?? '')).toMatchObject({ status: 'cancelled' });
    expect(await service.find(timers[0]?.id ?? '')).toMatchObject({ status: 'waiting' });
  });

  it('stops at 10,000 and says that there is more', async () => {
    await service.store.insert(makeTimers(10_300, () => ({ label: 'x' })));
    const cancel = async () => (await service.post('/timers/cancel', { filter: { label: 'x' } })).body as object;

    expect(await cancel()).toEqual({ cancelled: 10_000, more: true });
    expect(await cancel()).toEqual({ cancelled: 300, more: false });
    expect(await cancel()).toEqual({ cancelled: 0, more: false });
  });

  it('leaves what a replica holds, what another owns, and what is due at another time', async () => {
    await service.close();
    service = await serviceUnderTest({ keys: parseApiKeys(`shop=${SHOP}`) });
    await service.store.insert(makeTimers(3, () => ({ owner: 'shop' })));
    await service.store.claim(claimOf({ limit: 2 }));
    await service.store.insert(makeTimers(4, () => ({ owner: 'bank' })));
    await service.store.insert(makeTimers(5, () => ({ owner: 'shop', dueAt: T0 + 90_000 })));

    const filter = { host: 'receiver.example', due_before: new Date(T0 + 90_000).toISOString() };
    const answer = await service.post('/timers/cancel', { filter }).set('X-API-Key', SHOP);

    expect(answer.body).toEqual({ cancelled: 1, more: false });
  });
});

describe('POST /timers/replay', () => {
  it('begins new runs, due when a pass has found them, each then at its millisecond', async () => {
    const timers = makeTimers(30, (index) => ({
      status: (['done', 'failed', 'unknown', 'cancelled', 'waiting'] as const)[index % 5] ?? 'done',
      wakeAt: index % 5 === 4 ? T0 + 60_000 : T0 - 1,
      label: 'x',
    }));
    await service.store.insert(timers);

    const answer = await service.post('/timers/replay', { filter: { label: 'x' } });
    await service.scheduler.runOnce();
    service.clock.advance(1000);
    await service.settled();

    expect(answer.body).toEqual({ replayed: 18, more: false, finished_before: new Date(T0 + 1).toISOString() });
    expect(service.calls).toHaveLength(18);
    for (const call of service.calls) expect(call).toMatchObject({ at: T0 + 1000, run: 1 });
  });

  it('takes one status alone where one is given, and what ended within a time', async () => {
    await service.store.insert(
      makeTimers(8, (index) => ({ status: index % 2 ? 'done' : 'failed', wakeAt: T0 - 10 + index })),
    );
    const replay = async (filter: object) => (await service.post('/timers/replay', { filter })).body as object;
    const at = (ms: number) => new Date(ms).toISOString();

    const within = { finished_after: at(T0 - 8), finished_before: at(T0 - 4) };
    expect(await replay({ status: 'failed', ...within })).toEqual({
      replayed: 2,
      more: false,
      finished_before: at(T0 - 4),
    });
    expect(await replay({ status: 'failed', finished_before: at(T0 + 9) })).toMatchObject({ replayed: 2 });
    expect(await replay(within)).toMatchObject({ replayed: 2 });
  });

  it.each(['0000-01-01T00:00:00+01:00', '0000-01-01T00:00:00Z', '0001-01-01T00:00:00Z'])(
    'calls nothing again that ended after %s, however long ago that was',
    async (finished_before) => {
      const [timer] = makeTimers(1, () => ({ status: 'failed', wakeAt: T0 - 10 }));
      await service.store.insert(timer ? [timer] : []);

      await service.post('/timers/replay', { filter: { status: 'failed', finished_before } });

      expect(await service.find(timer?.id ?? '')).toMatchObject({ status: 'failed', run: 0 });
    },
  );

  /** As if the calls of each batch had been made before the next one is looked for. */
  function endMeanwhile() {
    const replayAll = service.store.replayAll.bind(service.store);
    service.store.replayAll = async (...given) => {
      const begun = await replayAll(...given);
      const claim = claimOf({ wakeFrom: 0, wakeTo: Infinity, limit: 500 });
      const claimed = await service.store.claim(claim);
      service.clock.advance(1);
      const wakeAt = service.clock.now();
      await service.store.record(
        claimed.map(({ id }) => ({ ...resultOf({ id, claimId: claim.claimId }), wakeAt, nextAttemptAt: wakeAt })),
      );
      return begun;
    };
  }

  it.each([
    ['calls nothing twice that is over again before the last is found', 600, []],
    ['goes on with the rest, not with what is over again by then', 10_300, [300]],
  ])('%s', async (_, count, rest) => {
    const timers = makeTimers(count, (index) => ({ status: 'failed', wakeAt: T0 - 20_000 + index }));
    await service.store.insert(timers);
    endMeanwhile();

    const filter = { host: 'receiver.example' };
    const first = await service.post('/timers/replay', { filter });
    const { replayed, finished_before } = first.body as { replayed: number; finished_before: string };
    expect(replayed).toBe(Math.min(count, 10_000));
    for (const left of rest) {
      const next = await service.post('/timers/replay', { filter: { ...filter, finished_before } });
      expect(next.body).toEqual({ replayed: left, more: false, finished_before });
    }

    const runs = await Promise.all(timers.map(({ id }) => service.find(id).then(({ run }) => run)));
    expect(new Set(runs)).toEqual(new Set([1]));
  });
});

describe('Both', () => {
  it.each([
    [{}, '/filter'],
    [{ filter: {} }, '/filter'],
    [{ filter: { owner: 'x' } }, '/filter/owner'],
    [{ filter: { label: 7 } }, '/filter/label'],
    [{ filter: { label: 'x' }, limit: 5 }, '/limit'],
    [{ filter: { status: 'executing' } }, '/filter/status'],
    [[], ''],
  ])('refuse %j', async (body, pointer) => {
    await service.stored({ label: 'x' });
    for (const path of ['/timers/cancel', '/timers/replay']) {
      const answer = await request(service.app).post(path).send(body);
      expect([answer.status, answer.body]).toMatchObject([
        422,
        { code: 'invalid_request', errors: expect.arrayContaining([expect.objectContaining({ pointer })]) },
      ]);
    }
  });

  it('are no timers of that name', async () => {
    for (const path of ['/timers/cancel', '/timers/replay']) {
      const answer = await service.get(path);
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST, OPTIONS']);
    }
  });
});
