import { expect, it, jest } from '@jest/globals';
import request from 'supertest';
import { Refusal } from '../../src/timers/index.ts';
import { HOOK } from './api-under-test.ts';
import { describeOnStores } from './on-stores.ts';

interface Report {
  results: { status: number; timer?: { id: string; label: string }; problem?: object; replayed?: boolean }[];
}

describeOnStores('POST /timers/batch', (opened) => {
  const post = (timers: unknown, app = opened().api().app) => request(app).post('/timers/batch').send({ timers });
  const resultsOf = ({ body }: request.Response) => (body as Report).results;

  it('makes what is in order, refuses the rest, and tells of each in its place', async () => {
    const before = await opened().count();

    const answer = await post([
      { seconds: 1, url: HOOK, label: 'first' },
      { seconds: -1, url: HOOK },
      'no timer',
      { seconds: 1, url: HOOK, headers: { host: 'a' } },
      { seconds: 1, url: HOOK, label: 'last' },
    ]);

    expect(answer.status).toBe(200);
    expect(resultsOf(answer)).toMatchObject([
      { status: 201, timer: { label: 'first', time_left: 1 } },
      { status: 422, problem: { code: 'invalid_request', errors: [{ pointer: '/seconds' }] } },
      { status: 422, problem: { code: 'invalid_request', errors: [{ pointer: '' }] } },
      { status: 422, problem: { code: 'invalid_request', errors: [{ pointer: '/headers/host' }] } },
      { status: 201, timer: { label: 'last' } },
    ]);
    expect((await opened().count()) - before).toBe(2);
    const [first] = resultsOf(answer);
    expect((await request(opened().api().app).get(`/timers/${first?.timer?.id}`)).body).toEqual(first?.timer);
  });

  it('takes a thousand timers, and gives them ids in their order', async () => {
    const answer = await post(
      Array.from({ length: 1000 }, (_, index) => ({ seconds: 1, url: HOOK, label: `${index}` })),
    );

    const ids = resultsOf(answer).map(({ timer }) => timer?.id);
    expect(new Set(ids).size).toBe(1000);
    expect(ids).toEqual(ids.toSorted());
    expect(resultsOf(answer).map(({ timer }) => timer?.label)).toEqual(ids.map((_, index) => `${index}`));
  });

  it('carries out an item with an idempotency key once, and changes the timer of a key', async () => {
    const items = [
      { delay: '1h', url: HOOK, idempotency_key: 'batch once' },
      { delay: '1h', url: HOOK, key: 'batch-key', label: 'a' },
      { delay: '1h', url: HOOK, key: 'batch-key', label: 'b' },
      { delay: '1h', url: HOOK },
    ];
    const first = resultsOf(await post(items));
    const before = await opened().count();

    const second = resultsOf(await post(items));

    expect(first.map(({ status }) => status)).toEqual([201, 201, 200, 201]);
    expect(second.map(({ status, replayed }) => [status, replayed])).toEqual([
      [201, true],
      [200, undefined],
      [200, undefined],
      [201, undefined],
    ]);
    expect(second[0]?.timer).toEqual(first[0]?.timer);
    expect(new Set([...first, ...second].slice(1, 3).map(({ timer }) => timer?.id)).size).toBe(1);
    expect((await opened().count()) - before).toBe(1);
  });

  it('takes an item for the same request as one that came by itself with the key', async () => {
    const asked = { delay: '1h', url: HOOK, label: 'a' };
    const { app } = opened().api();
    const alone = await request(app).post('/timers').set('Idempotency-Key', 'alone first').send(asked);

    const [again] = resultsOf(await post([{ ...asked, idempotency_key: 'alone first' }], app));

    expect(alone.status).toBe(201);
    expect(again).toEqual({ status: 201, timer: alone.body as object, replayed: true });
  });

  it('refuses an idempotency key for the whole', async () => {
    const answer = await post([{ url: HOOK }]).set('Idempotency-Key', 'a');

    expect([answer.status, answer.body]).toMatchObject([422, { code: 'invalid_request' }]);
  });

  it.each([
    ['more than a thousand timers', { timers: Array.from({ length: 1001 }, () => ({ url: HOOK })) }, '/timers'],
    ['no timers', {}, '/timers'],
    ['something else', { timers: [], more: 1 }, '/more'],
    ['timers that are no list', { timers: {} }, '/timers'],
  ])('refuses %s as a whole', async (_name, body, pointer) => {
    const before = await opened().count();

    const answer = await request(opened().api().app).post('/timers/batch').send(body);

    expect([answer.status, answer.body]).toMatchObject([422, { errors: [{ pointer }] }]);
    expect(await opened().count()).toBe(before);
  });

  it('takes 8 MiB and refuses more', async () => {
    const item = { url: HOOK, body_text: 'x'.repeat(60_000) };
    const fits = Math.floor((8 * 1024 * 1024 - 100) / (JSON.stringify(item).length + 1));

    expect(resultsOf(await post(Array.from({ length: fits }, () => item)))).toHaveLength(fits);
    expect((await post(Array.from({ length: fits + 1 }, () => item))).status).toBe(413);
  });

  it.each([
    ['too deep to be parsed fast', '['.repeat(1_000_000) + ']'.repeat(1_000_000), 422, 'invalid_request'],
    ['of more lists than could be timers', `[${'[],'.repeat(1_000_000)}[]]`, 413, 'too_large'],
  ])('refuses a body that is %s, before it is parsed', async (_name, json, status, code) => {
    const parse = jest.spyOn(JSON, 'parse');
    const answer = await request(opened().api().app).post('/timers/batch').type('json').send(`{"timers":${json}}`);
    const parsed = parse.mock.calls.map(([text]) => text.length);
    parse.mockRestore();

    expect([answer.status, answer.body]).toMatchObject([status, { code }]);
    expect(Math.max(0, ...parsed)).toBeLessThan(1000);
  });

  it('says 503 when the store is away', async () => {
    const insert = () => Promise.reject(new Refusal('store_unavailable', 'The database is not available.'));
    const { app } = opened().api({ store: { ...opened().store, insert } });

    expect((await post([{ url: HOOK }], app)).status).toBe(503);
  });
});
