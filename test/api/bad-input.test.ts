import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { apiUnderTest, DAY_MS, HOOK } from './api-under-test.ts';

const HORIZON = 'reaches further than 3650 days ahead, the furthest this service goes';
const WHOLE = 'must be a whole number';
const INSTANT = 'must be an RFC 3339 instant with an offset or Z, such as 2030-12-31T23:59:59Z';
const NOT_HTTP =
  'must be an http:// or https:// URL in printable ASCII (percent-encode the rest, punycode for host names)';
const twice = (first: string) => `says when a second time: "${first}" is given too; use one of them`;

/** What is wrong, the body, and every pointer with its message. */
const INVALID: [string, object, Record<string, string>][] = [
  ['a negative number', { seconds: -1 }, { '/seconds': 'must be 0 or more' }],
  ['a fraction', { minutes: 0.5 }, { '/minutes': WHOLE }],
  ['a number in a string', { hours: '4' }, { '/hours': WHOLE }],
  ['a boolean for a number', { seconds: true }, { '/seconds': WHOLE }],
  ['null for a number', { seconds: null }, { '/seconds': WHOLE }],
  ['an array for a number', { seconds: [1] }, { '/seconds': WHOLE }],
  ['an unsafe integer', { seconds: 2 ** 53 }, { '/seconds': 'must be 9007199254740991 or less' }],
  ['hours beyond the horizon', { hours: 3650 * 24 + 1 }, { '/hours': HORIZON }],
  ['a sum beyond the horizon', { hours: 24, minutes: 3650 * 24 * 60 }, { '/minutes': HORIZON }],
  ['seconds far beyond the horizon', { seconds: Number.MAX_SAFE_INTEGER }, { '/seconds': HORIZON }],
  ['milliseconds beyond the horizon', { delay_ms: 3650 * DAY_MS + 1 }, { '/delay_ms': HORIZON }],
  ['a negative delay', { delay_ms: -1 }, { '/delay_ms': 'must be 0 or more' }],
  ['an instant beyond the horizon', { due_at: '2099-01-01T00:00:00Z' }, { '/due_at': HORIZON }],
  ['an instant without an offset', { due_at: '2030-01-02T00:00:00' }, { '/due_at': INSTANT }],
  ['an instant without seconds', { due_at: '2030-01-02T00:00Z' }, { '/due_at': INSTANT }],
  ['a date alone', { due_at: '2030-01-02' }, { '/due_at': INSTANT }],
  ['a day that does not exist', { due_at: '2030-02-30T00:00:00Z' }, { '/due_at': INSTANT }],
  ['a 29 February of a common year', { due_at: '2030-02-29T00:00:00Z' }, { '/due_at': INSTANT }],
  ['a month that does not exist', { due_at: '2030-13-01T00:00:00Z' }, { '/due_at': INSTANT }],
  ['an hour that does not exist', { due_at: '2030-01-01T24:00:00Z' }, { '/due_at': INSTANT }],
  ['an instant before the year 0', { due_at: '0000-01-01T00:00:00+14:00' }, { '/due_at': INSTANT }],
  [
    'a local time of the year 0',
    { due_at_local: '0000-01-01T00:00:00', timezone: 'Asia/Tokyo' },
    { '/due_at_local': 'must be a date and time without an offset, such as 2030-12-31T23:59:59' },
  ],
  ['an instant in words', { due_at: 'tomorrow' }, { '/due_at': INSTANT }],
  ['an instant as a number', { due_at: 1_893_456_000_000 }, { '/due_at': 'must be a string' }],
  ['numbers and a delay', { seconds: 1, delay_ms: 1 }, { '/delay_ms': twice('seconds') }],
  ['numbers and an instant', { hours: 0, due_at: '2030-01-02T00:00:00Z' }, { '/due_at': twice('hours') }],
  [
    'all ways at once',
    { minutes: 1, delay_ms: 1, due_at: '2030-01-02T00:00:00Z' },
    { '/delay_ms': twice('minutes'), '/due_at': twice('minutes') },
  ],
  ['an unknown field', { second: 1 }, { '/second': 'is not a known field' }],
  ['a field with a slash and a tilde', { 'a/b~c': 1 }, { '/a~1b~0c': 'is not a known field' }],
  ['no URL', { url: undefined }, { '/url': 'is required' }],
  ['null for a URL', { url: null }, { '/url': 'must be a string' }],
  ['an empty URL', { url: '' }, { '/url': NOT_HTTP }],
  ['a URL without a scheme', { url: 'someserver.com/hook' }, { '/url': NOT_HTTP }],
  ['another scheme', { url: 'ftp://someserver.com/hook' }, { '/url': NOT_HTTP }],
  ['a script for a URL', { url: 'javascript:alert(1)' }, { '/url': NOT_HTTP }],
  ['a URL without a host', { url: 'http://' }, { '/url': NOT_HTTP }],
  ['a URL with one slash', { url: 'http:/someserver.com' }, { '/url': NOT_HTTP }],
  ['a URL with a blank', { url: `${HOOK} ` }, { '/url': NOT_HTTP }],
  ['a URL with a line break', { url: `${HOOK}\r\nX: y` }, { '/url': NOT_HTTP }],
  ['a URL with a backslash', { url: 'http:\\\\someserver.com' }, { '/url': NOT_HTTP }],
  ['a URL beyond ASCII', { url: 'https://müller.example/' }, { '/url': NOT_HTTP }],
  ['a URL that does not parse', { url: 'http://[::1' }, { '/url': 'must be a URL that can be parsed' }],
  ['a URL of 2,049 characters', { url: HOOK.padEnd(2049, 'x') }, { '/url': 'must be 2048 characters or less' }],
  ['several faults at once', { seconds: -1, x: 1 }, { '/seconds': 'must be 0 or more', '/x': 'is not a known field' }],
];

/** A raw body that is not even looked at as a timer. */
const UNREADABLE: [string, string | Buffer, Record<string, string>, number, string][] = [
  ['an empty body', '', {}, 400, 'malformed_json'],
  ['half a body', `{"url":"${HOOK}"`, {}, 400, 'malformed_json'],
  ['something that is not JSON', 'url=https://someserver.com', {}, 400, 'malformed_json'],
  ['NaN', `{"seconds":NaN,"url":"${HOOK}"}`, {}, 400, 'malformed_json'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 400, 'malformed_json'],
  ['very deep nesting', '['.repeat(60_000), {}, 400, 'malformed_json'],
  ['an array', '[]', {}, 422, 'invalid_request'],
  ['a string', '"https://someserver.com"', {}, 422, 'invalid_request'],
  ['null', 'null', {}, 422, 'invalid_request'],
  ['a number too large for a double', `{"seconds":1e400,"url":"${HOOK}"}`, {}, 422, 'invalid_request'],
  ['a key that pollutes prototypes', `{"__proto__":{"seconds":1},"url":"${HOOK}"}`, {}, 422, 'invalid_request'],
  ['keys of Object.prototype', `{"constructor":{},"toString":1,"url":"${HOOK}"}`, {}, 422, 'invalid_request'],
  ['more than 128 KiB', JSON.stringify({ url: HOOK, x: 'x'.repeat(128 * 1024) }), {}, 413, 'too_large'],
  ['no type', `{"url":"${HOOK}"}`, { 'Content-Type': '' }, 415, 'unsupported_media_type'],
  ['plain text', `{"url":"${HOOK}"}`, { 'Content-Type': 'text/plain' }, 415, 'unsupported_media_type'],
  ['a form', 'url=x', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, 'unsupported_media_type'],
  ['a type that is none', `{"url":"${HOOK}"}`, { 'Content-Type': 'json' }, 415, 'unsupported_media_type'],
  [
    'another charset',
    `{"url":"${HOOK}"}`,
    { 'Content-Type': 'application/json; charset=latin1' },
    415,
    'unsupported_media_type',
  ],
  ['a compressed body', gzipSync(`{"url":"${HOOK}"}`), { 'Content-Encoding': 'gzip' }, 415, 'unsupported_media_type'],
];

const PROBLEM_TYPE = 'application/problem+json';

describe('POST /timers with bad input', () => {
  it.each(INVALID)('refuses %s, points at the field and stores nothing', async (_name, fault, errors) => {
    const { app, store } = apiUnderTest();

    const answer = await request(app)
      .post('/timers')
      .send({ url: HOOK, ...fault });

    expect(answer.status).toBe(422);
    expect(answer.headers['content-type']).toBe(PROBLEM_TYPE);
    const told = (answer.body as { errors: { pointer: string; message: string }[] }).errors;
    expect(Object.fromEntries(told.map(({ pointer, message }) => [pointer, message]))).toEqual(errors);
    expect(store.rows.size).toBe(0);
  });

  it.each(UNREADABLE)('refuses %s and stores nothing', async (_name, body, headers, status, code) => {
    const { app, store } = apiUnderTest();

    const answer = await request(app)
      .post('/timers')
      .set({ 'Content-Type': 'application/json', ...headers })
      .serialize((raw: unknown) => raw as string)
      .send(body);

    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe(PROBLEM_TYPE);
    expect(answer.body).toMatchObject({ status, code, type: `urn:punctual:${code}` });
    expect(store.rows.size).toBe(0);
  });

  it('names the fault in the detail too, for those who read no further', async () => {
    const { app } = apiUnderTest();

    const answer = await request(app).post('/timers').send({ seconds: -1 });

    expect(answer.body).toMatchObject({ detail: '"url" is required (and 1 more in errors).' });
  });

  it('says of a body that is no object that it must be one', async () => {
    const { app } = apiUnderTest();

    const answer = await request(app).post('/timers').send([]);

    expect(answer.body).toMatchObject({ errors: [{ pointer: '', message: 'must be a JSON object' }] });
  });

  it('does not answer a thousand unknown fields with a thousand errors', async () => {
    const { app } = apiUnderTest();
    const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`f${index}`, 1]));

    const answer = await request(app)
      .post('/timers')
      .send({ url: HOOK, ...fields });

    expect((answer.body as { errors: unknown[] }).errors).toHaveLength(20);
  });

  it('says why a target is not allowed, and stores nothing', async () => {
    const { app, store } = apiUnderTest({ targets: { refusalOf: (url) => `${url} is private; see ALLOWED_NETWORKS` } });

    const answer = await request(app).post('/timers').send({ url: 'http://10.0.0.1/' });

    const why = 'http://10.0.0.1/ is private; see ALLOWED_NETWORKS';
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      code: 'target_not_allowed',
      detail: why,
      errors: [{ pointer: '/url', message: why }],
    });
    expect(store.rows.size).toBe(0);
  });
});

describe('paths and methods', () => {
  it.each(['42', 'not-a-uuid', '0199f1d0-2b1e-7c3a-9a55-6f1f2f0a7b1', '%00', '..%2f..%2fetc', "1'%20OR%20'1'='1"])(
    'answers 404 for %s, which is no id',
    async (id) => {
      const { app } = apiUnderTest();

      const answer = await request(app).get(`/timers/${id}`);

      expect(answer.status).toBe(404);
      expect(answer.body).toMatchObject({ code: 'not_found', detail: 'There is no timer of yours with this id.' });
    },
  );

  it('answers 404 for an id that nobody has', async () => {
    const { app } = apiUnderTest();

    const answer = await request(app).get('/timers/0199f1d0-2b1e-7c3a-9a55-6f1f2f0a7b10');

    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ detail: 'There is no timer of yours with this id.' });
  });

  it.each(['/', '/nothing', '/timers/a/b', '/api/v2/timers', '/docs/../../package.json', '/%'])(
    'answers 404 for the unknown path %s, in other words than for an unknown timer',
    async (path) => {
      const { app } = apiUnderTest();

      const answer = await request(app).get(path);

      expect(answer.status).toBe(404);
      expect(answer.body).toMatchObject({ code: 'not_found', detail: 'There is nothing at this path.' });
    },
  );

  it('answers 404 for a path that cannot be decoded', async () => {
    const { app } = apiUnderTest();

    const answer = await request(app).get('/timers/%E0%A4%A');

    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ detail: 'The path is not properly percent-encoded.' });
  });

  it.each([
    ['PUT', '/timers', 'GET, POST, HEAD, OPTIONS'],
    ['DELETE', '/timers/', 'GET, POST, HEAD, OPTIONS'],
    ['PUT', '/timers/0199f1d0-2b1e-7c3a-9a55-6f1f2f0a7b10', 'GET, PATCH, DELETE, HEAD, OPTIONS'],
    ['POST', '/health', 'GET, HEAD, OPTIONS'],
    ['POST', '/openapi.json', 'GET, HEAD, OPTIONS'],
  ])('refuses %s %s and says what is allowed', async (method, path, allow) => {
    const { app } = apiUnderTest();

    const answer = await request(app)[method.toLowerCase() as 'put' | 'delete' | 'post'](path);

    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe(allow);
    expect(answer.body).toMatchObject({ code: 'method_not_allowed' });
  });

  it('answers OPTIONS with what is allowed and lets no other origin in', async () => {
    const { app } = apiUnderTest();

    const answer = await request(app).options('/timers').set('Origin', 'https://evil.example');

    expect(answer.status).toBe(204);
    expect(answer.headers.allow).toBe('GET, POST, HEAD, OPTIONS');
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});
