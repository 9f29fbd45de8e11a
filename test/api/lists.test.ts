import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { parseApiKeys } from '../../src/api/index.ts';
import type { TimerView } from '../../src/api/timer-view.ts';
import { makeTimers, T0 } from '../support/timers.ts';
import { apiUnderTest } from './api-under-test.ts';
import { serviceUnderTest } from './service-under-test.ts';

const SHOP = 'shop'.padEnd(32, '0');
const BANK = 'bank'.padEnd(32, '1');
const ADMIN = 'admin'.padEnd(32, '2');
const KEYS = { keys: parseApiKeys(`shop=${SHOP},bank=${BANK}`), adminKeys: parseApiKeys(`root=${ADMIN}`) };

interface Page {
  timers: TimerView[];
  next_cursor: string | null;
}

let service: Awaited<ReturnType<typeof serviceUnderTest>>;
beforeEach(async () => {
  service = await serviceUnderTest(KEYS);
});
afterEach(() => service.close());

const list = (query: object, key = ADMIN) => request(service.app).get('/timers').query(query).set('X-API-Key', key);

async function everyPage(query: object, key = ADMIN): Promise<TimerView[]> {
  const timers: TimerView[] = [];
  let cursor: string | null | undefined;
  do {
    const answer = await list({ ...query, ...(cursor ? { cursor } : {}) }, key);
    const page = answer.body as Page;
    timers.push(...page.timers);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return timers;
}

describe('GET /timers', () => {
  it('answers with the same timer as a look at it alone, newest first, 50 to a page', async () => {
    const timers = makeTimers(60, (index) => ({ owner: 'shop', dueAt: T0 + 60_000 + index }));
    await service.store.insert(timers);

    const answer = await list({});
    const page = answer.body as Page;

    expect(answer.status).toBe(200);
    expect(page.timers.map(({ id }) => id)).toEqual(
      timers
        .map(({ id }) => id)
        .reverse()
        .slice(0, 50),
    );
    const newest = await request(service.app)
      .get(`/timers/${timers.at(-1)?.id}`)
      .set('X-API-Key', ADMIN);
    expect(page.timers[0]).toEqual(newest.body);
    expect((await everyPage({})).map(({ id }) => id)).toHaveLength(60);
  });

  it('shows each key its own timers and an admin key all of them', async () => {
    await service.store.insert(makeTimers(9, (index) => ({ owner: ['shop', 'bank', null][index % 3] ?? null })));

    for (const query of [{}, { limit: 1 }, { status: 'waiting' }, { host: 'receiver.example' }]) {
      expect(await everyPage(query, SHOP)).toHaveLength(3);
      expect(await everyPage(query, BANK)).toHaveLength(3);
      expect(await everyPage(query, ADMIN)).toHaveLength(9);
    }
  });

  it('finds by status, label, host and due, and by all of them at once', async () => {
    const timers = makeTimers(16, (index) => ({
      label: index & 1 ? 'reminder' : 'expiry',
      url: index & 2 ? 'https://a.example/hook' : 'https://b.example:8443/hook',
      status: index & 4 ? 'waiting' : 'done',
      dueAt: T0 + (index & 8 ? 60_000 : 30_000),
    }));
    await service.store.insert(timers);
    const count = async (query: object) => (await everyPage(query)).length;

    expect(await count({ status: 'done' })).toBe(8);
    expect(await count({ label: 'reminder' })).toBe(8);
    expect(await count({ host: 'A.example' })).toBe(8);
    expect(await count({ host: 'b.example' })).toBe(0);
    expect(await count({ host: 'b.example:8443' })).toBe(8);
    const due_after = new Date(T0 + 60_000).toISOString();
    expect(await count({ status: 'waiting', due_after })).toBe(4);
    expect(await count({ status: 'waiting', due_before: due_after })).toBe(4);
    expect(await count({ status: 'waiting', due_after, label: 'expiry', host: 'a.example' })).toBe(1);
    expect(await count({ status: 'executing' })).toBe(0);
  });

  it.each([
    [{ limit: '0' }, '/limit', 'must be a whole number from 1 to 500'],
    [{ limit: '501' }, '/limit', 'must be a whole number from 1 to 500'],
    [{ limit: '1e2' }, '/limit', 'must be a whole number from 1 to 500'],
    [{ limit: ['1', '2'] }, '/limit', 'must be a string'],
    [{ status: 'sleeping' }, '/status', 'must be one of waiting, executing, done, failed, cancelled, unknown'],
    [{ due_before: '2030-01-01T00:00:00Z' }, '/due_before', 'goes with "status" "waiting" alone'],
    [{ status: 'done', due_after: '2030-01-01T00:00:00Z' }, '/due_after', 'goes with "status" "waiting" alone'],
    [{ status: 'waiting', due_after: 'tomorrow' }, '/due_after', expect.stringContaining('RFC 3339')],
    [{ host: 'https://a.example' }, '/host', expect.stringContaining('must be a host')],
    [{ label: '' }, '/label', expect.any(String)],
    [{ cursor: 'AAAA' }, '/cursor', expect.stringContaining('is not one that this list gave out')],
    [{ owner: 'bank' }, '/owner', 'is not a known field'],
  ])('refuses %j', async (query, pointer, message) => {
    const answer = await list(query, SHOP);

    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ pointer, message }] });
  });

  it('is empty where the caller has no timers', async () => {
    expect((await list({}, SHOP)).body).toEqual({ timers: [], next_cursor: null });
  });
});

describe('A cursor', () => {
  const cursorOf = async (query: object, key = SHOP) => ((await list(query, key)).body as Page).next_cursor ?? '';

  beforeEach(async () => {
    await service.store.insert(makeTimers(3, () => ({ owner: 'shop', label: 'x' })));
    await service.store.insert(makeTimers(3, () => ({ owner: 'bank', label: 'x' })));
  });

  it('that was changed in any character is refused', async () => {
    const cursor = await cursorOf({ limit: 1 });

    for (let index = 0; index < cursor.length; index++) {
      const other = cursor[index] === 'A' ? 'B' : 'A';
      const answer = await list({ limit: 1, cursor: cursor.slice(0, index) + other + cursor.slice(index + 1) }, SHOP);
      expect([index, answer.status]).toEqual([index, 422]);
    }
    for (const text of ['', cursor.slice(0, -1), `${cursor}A`, `${cursor}=`]) {
      expect((await list({ limit: 1, cursor: text }, SHOP)).status).toBe(422);
    }
  });

  it('belongs to one list and one caller, whatever the limit', async () => {
    const cursor = await cursorOf({ label: 'x', limit: 1 });

    expect((await list({ label: 'x', limit: 2, cursor }, SHOP)).status).toBe(200);
    expect((await list({ label: 'y', limit: 1, cursor }, SHOP)).status).toBe(422);
    expect((await list({ limit: 1, cursor }, SHOP)).status).toBe(422);
    expect((await list({ label: 'x', limit: 1, cursor }, BANK)).status).toBe(422);
    expect((await list({ label: 'x', limit: 1, cursor }, ADMIN)).status).toBe(422);
  });

  it('is good on every replica, and after a restart, with the same keys in whatever order', async () => {
    const cursor = await cursorOf({ limit: 1 });
    const page = (keys: typeof KEYS) =>
      request(apiUnderTest({ ...keys, store: service.store }).app)
        .get('/timers')
        .query({ limit: 1, cursor })
        .set('X-API-Key', SHOP);

    expect((await page({ ...KEYS, keys: KEYS.keys.toReversed() })).status).toBe(200);
    expect((await page({ ...KEYS, adminKeys: [] })).status).toBe(422);
  });
});
