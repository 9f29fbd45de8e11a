import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { Refusal } from '../../src/timers/index.ts';
import { eventually } from '../support/eventually.ts';
import { makeTimers, T0 } from '../support/timers.ts';
import { serviceUnderTest } from './service-under-test.ts';

let service: Awaited<ReturnType<typeof serviceUnderTest>>;
let looks: number;
let waiting: number;

beforeEach(async () => {
  service = await serviceUnderTest();
  const find = service.store.find.bind(service.store);
  const findFinished = service.store.findFinished.bind(service.store);
  looks = 0;
  waiting = 0;
  service.store.find = async (id) => {
    const timer = await find(id);
    waiting += 1;
    return timer;
  };
  service.store.findFinished = async (ids) => {
    const finished = await findFinished(ids);
    looks += 1;
    return finished;
  };
});
afterEach(async () => {
  await service.stop();
  await service.close();
});

/** Sends the request and goes on once the timer has been looked up, which is when it begins to wait. */
async function wait(id: string, query = ''): Promise<{ answer: Promise<request.Response>; abort: () => void }> {
  const before = waiting;
  const test = request(service.app).get(`/timers/${id}/wait${query}`);
  const answer = test.then((response) => response);
  await eventually(() => waiting > before);
  await new Promise((resolve) => setImmediate(resolve));
  return { answer, abort: () => void test.abort() };
}

async function lookAround(): Promise<void> {
  const before = looks;
  service.clock.advance(250);
  await eventually(() => looks > before);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('GET /timers/:id/wait', () => {
  it('answers at once when the timer is finished', async () => {
    const { id } = await service.stored({ status: 'done', wakeAt: T0 });
    const answer = await service.get(`/timers/${id}/wait`);
    expect([answer.status, answer.body]).toMatchObject([200, { id, status: 'done' }]);
    expect(looks).toBe(0);
  });

  it('answers when the timer is finished, by whatever replica', async () => {
    const timer = await service.stored();
    const { answer } = await wait(timer.id);
    await lookAround();

    await service.store.change(timer, { status: 'cancelled', wakeAt: T0 + 300 });
    await lookAround();

    expect((await answer).body).toMatchObject({ id: timer.id, status: 'cancelled' });
  });

  it('answers with the timer as it stands when the time is over', async () => {
    const { id } = await service.stored();
    const { answer } = await wait(id, '?timeout=1');

    service.clock.advance(1000);

    const given = await answer;
    expect([given.status, given.body]).toMatchObject([200, { id, status: 'waiting', time_left: 59 }]);
  });

  it('asks the store once for all who wait, and not at all while nobody does', async () => {
    const timers = makeTimers(20, () => ({ dueAt: T0 + 60_000 }));
    await service.store.insert(timers);
    const waits = [];
    for (const { id } of timers) waits.push(await wait(id, '?timeout=1'));

    for (let look = 0; look < 3; look++) await lookAround();
    service.clock.advance(250);
    await Promise.all(waits.map(({ answer }) => answer));
    service.clock.advance(5000);
    await new Promise((resolve) => setImmediate(resolve));

    expect(looks).toBeLessThanOrEqual(5);
    const { armed } = service.clock;
    service.clock.advance(5000);
    expect(service.clock.armed).toBeLessThanOrEqual(armed);
  });

  it('refuses the thousand-and-first, and takes another when one has left', async () => {
    const { id } = await service.stored();
    await service.start();
    const { port } = service.address();
    const fetchOne = (signal: AbortSignal | null = null, timeout = 60) =>
      fetch(`http://127.0.0.1:${port}/timers/${id}/wait?timeout=${timeout}`, { signal });
    const [first, rest] = [new AbortController(), new AbortController()];
    const waits = Array.from({ length: 1000 }, (_, index) => fetchOne(index === 0 ? first.signal : rest.signal));
    const results = Promise.allSettled(waits);
    await eventually(() => waiting >= 1000, 20_000);

    const refused = await fetchOne();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ code: 'too_many_waiters' });

    first.abort();
    await eventually(async () => {
      const before = waiting;
      const another = fetchOne(null, 1);
      await eventually(() => waiting > before);
      await new Promise((resolve) => setImmediate(resolve));
      service.clock.advance(1000);
      return (await another).status === 200;
    });
    rest.abort();
    await results;
  }, 60_000);

  it('answers all at once when the replica stops', async () => {
    const { id } = await service.stored();
    const { answer } = await wait(id);

    await service.stop();

    const given = await answer;
    expect([given.status, given.body]).toMatchObject([200, { id, status: 'waiting' }]);
  });

  it('outlives a store that is away for a while', async () => {
    const timer = await service.stored();
    const { answer } = await wait(timer.id);
    const findFinished = service.store.findFinished.bind(service.store);
    let failures = 0;
    service.store.findFinished = () => {
      failures += 1;
      return Promise.reject(new Refusal('store_unavailable', 'away'));
    };
    service.clock.advance(250);
    await eventually(() => failures === 1);
    service.store.findFinished = findFinished;
    await service.store.change(timer, { status: 'cancelled', wakeAt: T0 });
    await eventually(() => {
      service.clock.advance(250);
      return looks > 0;
    });

    expect((await answer).body).toMatchObject({ status: 'cancelled' });
  });

  it.each(['0', '61', '1.5', 'x', ''])('refuses a timeout of %j', async (timeout) => {
    const { id } = await service.stored();
    const answer = await service.get(`/timers/${id}/wait?timeout=${timeout}`);
    expect([answer.status, answer.body]).toMatchObject([422, { errors: [{ pointer: '/timeout' }] }]);
  });

  it('does not wait for a timer that is not there', async () => {
    expect((await service.get('/timers/42/wait')).status).toBe(404);
  });
});
