import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { parseApiKeys } from '../../src/api/index.ts';
import type { KnownObject, Objects } from '../../src/api/object-routes.ts';
import { checkOf } from '../../src/presence/check-timer.ts';
import { Refusal } from '../../src/timers/index.ts';
import { apiUnderTest, START } from './api-under-test.ts';
import { serviceUnderTest } from './service-under-test.ts';
import { validatorOf, type Schemas } from './validator-of.ts';

const KEY = 'shop'.padEnd(32, '0');
const RULE =
  'must be a whole number below 2^53, or a string of 1 to 200 characters, no control characters among them, at most 600 bytes in UTF-8';

interface Document extends Schemas {
  tags: { name: string }[];
  paths: Record<string, Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>>;
}

/** Objects that were seen the given milliseconds ago, in the order of their ids. */
function objectsSeen(seen: Record<string, number>) {
  const known = Object.entries(seen)
    .map(([id, ago]): KnownObject => ({ id, lastSeen: START - ago, expiresAt: START - ago + 30_000 }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const checked: string[][] = [];
  const objects: Objects = {
    check(ids) {
      checked.push(ids);
      return Promise.resolve(new Set(ids).size);
    },
    find: (id) => Promise.resolve(known.find((object) => object.id === id)),
    list({ after, limit }) {
      const behind = known.filter(({ id }) => after === null || id > after);
      const page = behind.slice(0, limit);
      return Promise.resolve({ objects: page, next: behind.length > limit ? (page.at(-1)?.id ?? null) : null });
    },
  };
  return { objects, checked };
}

const away: Objects = {
  check: () => Promise.reject(new Refusal('store_unavailable', 'The database is not available.')),
  find: () => Promise.reject(new Refusal('store_unavailable', 'The database is not available.')),
  list: () => Promise.reject(new Refusal('store_unavailable', 'The database is not available.')),
};

const serving = (seen: Record<string, number> = {}, overrides: Parameters<typeof apiUnderTest>[0] = {}) => {
  const { objects, checked } = objectsSeen(seen);
  return { ...apiUnderTest({ objects, ...overrides }), checked };
};

describe('Where no status API is known', () => {
  it('nothing of objects is to be seen', async () => {
    const { app } = apiUnderTest();
    const answers = await Promise.all([
      request(app)
        .post('/callback')
        .send({ object_ids: [1] }),
      request(app).get('/objects'),
      request(app).get('/objects/1'),
      request(app).options('/objects'),
      request(app).get('/nothing'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    expect(new Set(answers.map(({ body }) => (body as { detail: string }).detail)).size).toBe(1);
    expect((await request(app).get('/openapi.json')).text).not.toMatch(/object_ids|\/objects|"Objects"/);
  });
});

describe('POST /callback', () => {
  it('has the objects checked, whole numbers and strings alike, and says how many they are', async () => {
    const { app, checked } = serving();
    const answer = await request(app)
      .post('/callback')
      .send({ object_ids: [1, '1', -7, 'door/3', '🚪', 9_007_199_254_740_991] });

    expect([answer.status, answer.body]).toEqual([202, { accepted: 5 }]);
    expect(checked).toEqual([['1', '1', '-7', 'door/3', '🚪', '9007199254740991']]);
  });

  it('takes ten thousand, and none', async () => {
    const { app, checked } = serving();
    const ids = Array.from({ length: 10_000 }, (_, index) => index);
    expect((await request(app).post('/callback').send({ object_ids: ids })).body).toEqual({ accepted: 10_000 });
    expect((await request(app).post('/callback/').send({ object_ids: [] })).body).toEqual({ accepted: 0 });
    expect(checked[0]).toHaveLength(10_000);
  });

  it.each([
    ['no ids', {}, '/object_ids', 'is required'],
    ['one id instead of a list', { object_ids: 1 }, '/object_ids', 'must be a list'],
    ['more than ten thousand', { object_ids: Array(10_001).fill(1) }, '/object_ids', 'must be 10000 entries or less'],
    ['an unknown field', { object_ids: [], ids: [] }, '/ids', 'is not a known field'],
    ['a fraction', { object_ids: [1.5] }, '/object_ids/0', RULE],
    ['an unsafe integer', { object_ids: [1, 2 ** 53] }, '/object_ids/1', RULE],
    ['null', { object_ids: [null] }, '/object_ids/0', RULE],
    ['a boolean', { object_ids: [true] }, '/object_ids/0', RULE],
    ['a list in the list', { object_ids: [[1]] }, '/object_ids/0', RULE],
    ['an empty id', { object_ids: [''] }, '/object_ids/0', RULE],
    ['an id that is too long', { object_ids: ['x'.repeat(201)] }, '/object_ids/0', RULE],
    ['an id that is too long in UTF-8', { object_ids: [1, '🚪'.repeat(150) + 'x'] }, '/object_ids/1', RULE],
    ['a control character', { object_ids: ['a\u0000b'] }, '/object_ids/0', RULE],
    ['one beyond ASCII', { object_ids: ['a\u0085b'] }, '/object_ids/0', RULE],
    ['half a character', { object_ids: ['\ud800'] }, '/object_ids/0', 'must be well-formed Unicode'],
    ['a way up', { object_ids: ['..'] }, '/object_ids/0', 'must not be a dot or two, which mean another path'],
  ])('refuses %s, and has nothing checked', async (_, body, pointer, message) => {
    const { app, checked } = serving();
    const answer = await request(app).post('/callback').send(body);

    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ pointer, message }] });
    expect(checked).toEqual([]);
  });
});

describe('GET /objects', () => {
  it('is a list of pages, each object as by itself', async () => {
    const seen = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [String(100 + index), index]));
    const { app } = serving(seen);
    const first = (await request(app).get('/objects')).body as { objects: { id: string }[]; next_cursor: string };
    expect(first.objects).toHaveLength(50);
    const rest = await request(app).get(`/objects?limit=500&cursor=${first.next_cursor}`);
    const second = rest.body as typeof first;

    expect([...first.objects, ...second.objects].map(({ id }) => id)).toEqual(Object.keys(seen));
    expect(second.next_cursor).toBeNull();
    expect((await request(app).get('/objects/101')).body).toEqual(first.objects[1]);
  });

  it.each([
    ['bytes', '門'.repeat(200)],
    ['characters that JSON escapes', '"'.repeat(200)],
  ])('goes on behind an id of as many %s as there may be', async (_, id) => {
    const { app } = serving({ [id]: 0, [`${id.slice(1)}\u{10ffff}`]: 0 });
    expect(
      (
        await request(app)
          .post('/callback')
          .send({ object_ids: [id] })
      ).status,
    ).toBe(202);
    const first = (await request(app).get('/objects?limit=1')).body as { objects: object[]; next_cursor: string };

    const second = await request(app).get(`/objects?limit=1&cursor=${first.next_cursor}`);

    expect([second.status, second.body]).toMatchObject([200, { next_cursor: null }]);
  });

  it.each(['limit=0', 'limit=501', 'cursor=x', 'status=online'])('refuses ?%s', async (query) => {
    expect((await request(serving().app).get(`/objects?${query}`)).body).toMatchObject({ code: 'invalid_request' });
  });
});

describe('GET /objects/:id', () => {
  it('tells when the object was seen, and in how many whole seconds it is forgotten', async () => {
    const { app } = serving({ 'door/3': 2001 });
    const answer = await request(app).get('/objects/door%2F3');
    expect([answer.status, answer.body]).toEqual([
      200,
      { id: 'door/3', last_seen: '2029-12-31T23:59:57.999Z', expires_in: 28 },
    ]);
  });

  it.each(['2', 'x'.repeat(201), '%ED%A0%80'])('is 404 for an id that is unknown or none: %s', async (id) => {
    const answer = await request(serving({ 1: 0 }).app).get(`/objects/${id}`);
    expect([answer.status, answer.body]).toMatchObject([404, { code: 'not_found' }]);
  });
});

describe('The routes of objects', () => {
  it('want a key where there are keys, and show everybody everything', async () => {
    const { app } = serving({ 1: 0 }, { keys: parseApiKeys(`shop=${KEY}`) });
    const calls = () => [
      request(app).get('/objects'),
      request(app).get('/objects/1'),
      request(app)
        .post('/callback')
        .send({ object_ids: [1] }),
    ];
    expect((await Promise.all(calls())).map(({ status }) => status)).toEqual([401, 401, 401]);
    const admitted = await Promise.all(calls().map((call) => call.set('X-API-Key', KEY)));
    expect(admitted.map(({ status }) => status)).toEqual([200, 200, 202]);
  });

  it('know no other method', async () => {
    const { app } = serving();
    const answers = await Promise.all([
      request(app).get('/callback'),
      request(app).post('/objects'),
      request(app).delete('/objects/1'),
    ]);
    expect(answers.map(({ status, headers }) => [status, headers.allow])).toEqual([
      [405, 'POST, OPTIONS'],
      [405, 'GET, HEAD, OPTIONS'],
      [405, 'GET, HEAD, OPTIONS'],
    ]);
  });

  it('give the answers that the published document tells of', async () => {
    const { app } = serving({ 1: 0 });
    const document = (await request(app).get('/openapi.json')).body as Document;
    const broken = apiUnderTest({ objects: away }).app;
    const answers = [
      [
        '/callback',
        'post',
        await request(app)
          .post('/callback')
          .send({ object_ids: [1] }),
        202,
      ],
      ['/callback', 'post', await request(app).post('/callback').send({ object_ids: 1 }), 422],
      [
        '/callback',
        'post',
        await request(broken)
          .post('/callback')
          .send({ object_ids: [1] }),
        503,
      ],
      ['/objects', 'get', await request(app).get('/objects'), 200],
      ['/objects', 'get', await request(app).get('/objects?limit=x'), 422],
      ['/objects', 'get', await request(broken).get('/objects'), 503],
      ['/objects/{id}', 'get', await request(app).get('/objects/1'), 200],
      ['/objects/{id}', 'get', await request(app).get('/objects/2'), 404],
      ['/objects/{id}', 'get', await request(broken).get('/objects/1'), 503],
    ] as const;

    expect(document.tags).toContainEqual({ name: 'Objects' });
    for (const [path, method, { status, type, body }, expected] of answers) {
      const media = document.paths[path]?.[method]?.responses[String(status)]?.content[type];
      expect([path, method, status, media === undefined]).toEqual([path, method, expected, false]);
      expect(media && validatorOf(document, media).safeParse(body).error).toBeUndefined();
    }
  });
});

describe('A check', () => {
  it('is no timer to anybody, under whatever route', async () => {
    const service = await serviceUnderTest();
    const now = service.clock.now();
    const { id } = checkOf('1', { now, ttlMs: 30_000, deadlineMs: 10_000 });
    for (const status of ['waiting', 'done', 'failed'] as const) {
      await service.store.insert([
        {
          ...checkOf(status, { now, ttlMs: 30_000, deadlineMs: 10_000 }),
          status,
          wakeAt: now + 60_000,
          nextAttemptAt: now + 60_000,
        },
      ]);
    }
    await service.store.insert([
      { ...checkOf('1', { now, ttlMs: 30_000, deadlineMs: 10_000 }), nextAttemptAt: now + 60_000 },
    ]);

    const answers = await Promise.all([
      service.get(`/timers/${id}`),
      service.get(`/timers/${id}/attempts`),
      service.get(`/timers/${id}/wait?timeout=1`),
      service.patch(`/timers/${id}`, { hours: 1 }),
      service.delete(`/timers/${id}`),
      service.delete(`/timers/${id}/payload`),
      service.post(`/timers/${id}/fire`),
      service.post(`/timers/${id}/extend`),
      service.post(`/timers/${id}/replay`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(404));
    for (const query of ['', '?status=waiting', '?status=done', '?status=failed']) {
      expect((await service.get(`/timers${query}`)).body).toMatchObject({ timers: [], next_cursor: null });
    }
    const changed = await Promise.all([
      service.post('/timers/cancel', { filter: { status: 'waiting' } }),
      service.post('/timers/replay', { filter: { status: 'failed' } }),
    ]);
    expect(changed.map(({ body }) => body as unknown)).toMatchObject([{ cancelled: 0 }, { replayed: 0 }]);
    await service.close();
  });
});
