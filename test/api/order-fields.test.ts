import { expect, it } from '@jest/globals';
import request from 'supertest';
import type { Timer } from '../../src/timers/index.ts';
import { DAY_MS, HOOK, START } from './api-under-test.ts';
import { describeOnStores } from './on-stores.ts';

const HOUR_MS = 3_600_000;
const at = (iso: string) => Date.parse(iso);
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
const pairs = (count: number, value = 'v') =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, value]));
const HORIZON = 'reaches further than 3650 days ahead, the furthest this service goes';
const DURATION =
  'must be a duration such as 1d2h30m or PT26H30M; years and months have no fixed length and are not taken';
const LOCAL = 'must be a date and time without an offset, such as 2030-12-31T23:59:59';
const ZONE = 'must be the name of a time zone in the IANA database, such as Europe/Berlin';
const CHARACTERS = 'must be printable ASCII without blanks at its ends';
const RETRY = 'must be { "base_ms", "cap_ms" } or { "delays_ms": […] }, in whole milliseconds up to 7 days';
const MEDIA = 'must be a media type, such as text/plain; charset=utf-8';
const local = (due_at_local: string, timezone = 'Europe/Berlin') => ({ due_at_local, timezone });

/** What is said, and when that is. */
const WHEN: [string, object, number][] = [
  ['a short duration', { delay: '1d2h30m' }, START + 26.5 * HOUR_MS],
  ['all its units', { delay: '1w1d1h1m1s1ms' }, START + 8 * DAY_MS + HOUR_MS + 61_001],
  ['upper case', { delay: '90S' }, START + 90_000],
  ['an ISO 8601 duration', { delay: 'P1DT2H30M' }, START + 26.5 * HOUR_MS],
  ['ISO 8601 weeks', { delay: 'P2W' }, START + 14 * DAY_MS],
  ['weeks beside days', { delay: 'P1W1D' }, START + 8 * DAY_MS],
  ['a fraction of a second', { delay: 'PT0.5S' }, START + 500],
  ['less than a millisecond, which rounds up', { delay: 'PT0.0001S' }, START + 1],
  ['no time at all', { delay: 'PT0S' }, START],
  ['a wall clock in winter', local('2030-01-10T12:00:00'), at('2030-01-10T11:00:00Z')],
  ['a wall clock in summer', local('2030-07-10T12:00:00'), at('2030-07-10T10:00:00Z')],
  ['a wall clock without seconds', local('2030-01-10T12:00'), at('2030-01-10T11:00:00Z')],
  ['a wall clock with a fraction', local('2030-01-10T12:00:00.0015'), at('2030-01-10T11:00:00.002Z')],
  ['a zone in another case', local('2030-01-10T12:00:00', 'europe/berlin'), at('2030-01-10T11:00:00Z')],
  ['UTC for a zone', local('2030-01-10T12:00:00', 'UTC'), at('2030-01-10T12:00:00Z')],
  ['an hour that the clocks skip', local('2030-03-31T02:30:00'), at('2030-03-31T01:00:00Z')],
  ['the last millisecond before the gap', local('2030-03-31T01:59:59.999'), at('2030-03-31T00:59:59.999Z')],
  ['the first moment after the gap', local('2030-03-31T03:00:00'), at('2030-03-31T01:00:00Z')],
  ['an hour that comes twice, the first time', local('2030-10-27T02:30:00'), at('2030-10-27T00:30:00Z')],
  ['half an hour that is skipped', local('2030-10-06T02:15:00', 'Australia/Lord_Howe'), at('2030-10-05T15:30:00Z')],
  ['a day that a zone skipped', local('2011-12-30T12:00:00', 'Pacific/Apia'), at('2011-12-30T10:00:00Z')],
];

/** What is asked for, and what of it is stored and shown. */
const WHAT: [string, object, Partial<Timer>, object][] = [
  ...(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).map((method): [string, object, Partial<Timer>, object] => [
    `the method ${method}`,
    { method },
    { method },
    { method },
  ]),
  [
    'headers',
    { headers: { 'X-One': '1', accept: 'a, b', 'x-empty': '' } },
    { headers: { 'X-One': '1', accept: 'a, b', 'x-empty': '' } },
    { headers: { 'X-One': '1', accept: 'a, b', 'x-empty': '' } },
  ],
  [
    'headers with secrets, which are not shown again',
    { headers: { Authorization: 'Bearer s', cookie: 's', 'X-API-Key': 's', 'x-shop-token': 's', 'x-tokens': '3' } },
    { headers: { Authorization: 'Bearer s', cookie: 's', 'X-API-Key': 's', 'x-shop-token': 's', 'x-tokens': '3' } },
    { headers: { Authorization: '***', cookie: '***', 'X-API-Key': '***', 'x-shop-token': '***', 'x-tokens': '3' } },
  ],
  ['fifty headers', { headers: pairs(50) }, { headers: pairs(50) }, { headers: pairs(50) }],
  ['no headers at all', { headers: {} }, { headers: null }, { headers: null }],
  [
    'a JSON body',
    { body: { a: [1, 'ü', null] } },
    { body: Buffer.from('{"a":[1,"ü",null]}'), bodyBytes: 19, headers: null },
    {},
  ],
  ['null for a JSON body', { body: null }, { body: Buffer.from('null'), bodyBytes: 4 }, {}],
  [
    'a body with a name that pollutes prototypes',
    { body: JSON.parse('{"__proto__":1}') as object },
    { body: Buffer.from('{"__proto__":1}') },
    {},
  ],
  ['a body a hundred levels deep', { body: deep(100) }, { bodyBytes: 201 }, {}],
  [
    'a text',
    { body_text: 'grüße' },
    { body: Buffer.from('grüße'), bodyBytes: 7, headers: { 'content-type': 'text/plain; charset=utf-8' } },
    {},
  ],
  ['an empty text', { body_text: '' }, { body: Buffer.alloc(0), bodyBytes: 0 }, {}],
  ['64 KiB of text', { body_text: 'x'.repeat(65_536) }, { bodyBytes: 65_536 }, {}],
  [
    'bytes',
    { body_base64: 'AP8n' },
    { body: Buffer.from([0, 255, 39]), headers: { 'content-type': 'application/octet-stream' } },
    {},
  ],
  [
    'a content type',
    { body: {}, content_type: 'application/cloudevents+json; charset=utf-8', headers: { a: 'b' } },
    { headers: { a: 'b', 'content-type': 'application/cloudevents+json; charset=utf-8' } },
    {},
  ],
  [
    'a content type among the headers',
    { body_text: 'a,b', headers: { 'Content-Type': 'text/csv' } },
    { headers: { 'Content-Type': 'text/csv' } },
    {},
  ],
  ['the id left out of the path', { append_id: false }, { appendId: false }, {}],
  ['a deadline', { timeout_ms: 24_000 }, { timeoutMs: 24_000 }, {}],
  ['a number of attempts', { max_attempts: 1000 }, { maxAttempts: 1000 }, { max_attempts: 1000 }],
  ['a growing retry', { retry: { base_ms: 5, cap_ms: 5 } }, { retry: { base_ms: 5, cap_ms: 5 } }, {}],
  ['a listed retry', { retry: { delays_ms: [0, 604_800_000] } }, { retry: { delays_ms: [0, 604_800_000] } }, {}],
  [
    'at most once',
    { delivery: 'at_most_once' },
    { delivery: 'at_most_once', maxAttempts: 1 },
    { delivery: 'at_most_once', max_attempts: 1 },
  ],
  ['at most once, in one attempt', { delivery: 'at_most_once', max_attempts: 1 }, { maxAttempts: 1 }, {}],
  ['at least once', { delivery: 'at_least_once' }, { delivery: 'at_least_once', maxAttempts: 8 }, {}],
  ['an expiry', { expires_after_ms: 1 }, { expiresAfterMs: 1 }, {}],
  [
    'a label',
    { label: `'); DROP TABLE timers; -- 😀` },
    { label: `'); DROP TABLE timers; -- 😀` },
    { label: `'); DROP TABLE timers; -- 😀` },
  ],
  [
    'metadata',
    { metadata: { ...pairs(15), größe: '"\\\n' } },
    { metadata: { ...pairs(15), größe: '"\\\n' } },
    { metadata: { ...pairs(15), größe: '"\\\n' } },
  ],
  [
    'as much metadata as there may be',
    { metadata: pairs(16, '\u0001'.repeat(512)) },
    { metadata: pairs(16, '\u0001'.repeat(512)) },
    {},
  ],
  [
    'metadata of as many characters as there may be, two units of UTF-16 each',
    { metadata: { ['🚪'.repeat(64)]: '🚪'.repeat(512) } },
    { metadata: { ['🚪'.repeat(64)]: '🚪'.repeat(512) } },
    { metadata: { ['🚪'.repeat(64)]: '🚪'.repeat(512) } },
  ],
  [
    'metadata named like what every object has',
    { metadata: JSON.parse('{"__proto__":"a","constructor":"b"}') as object },
    { metadata: JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string> },
    { metadata: JSON.parse('{"__proto__":"a","constructor":"b"}') as object },
  ],
];

/** What is wrong, and every pointer with its message. */
const WRONG: [string, object, Record<string, string>][] = [
  ['months', { delay: 'P1M' }, { '/delay': DURATION }],
  ['years', { delay: 'P1Y' }, { '/delay': DURATION }],
  ['a negative duration', { delay: '-PT5S' }, { '/delay': DURATION }],
  ['units out of order', { delay: '30m1h' }, { '/delay': DURATION }],
  ['an unknown unit', { delay: '5y' }, { '/delay': DURATION }],
  ['a number without a unit', { delay: '90' }, { '/delay': DURATION }],
  ['an empty duration', { delay: '' }, { '/delay': DURATION }],
  ['a duration in words', { delay: 'soon' }, { '/delay': DURATION }],
  ['a duration as a number', { delay: 90 }, { '/delay': 'must be a string' }],
  ['a duration beyond the horizon', { delay: '3651d' }, { '/delay': HORIZON }],
  ['a duration beyond all numbers', { delay: 'P99999999999999D' }, { '/delay': DURATION }],
  ['a wall clock with an offset', local('2030-01-10T12:00:00Z'), { '/due_at_local': LOCAL }],
  ['a wall clock without a time', local('2030-01-10'), { '/due_at_local': LOCAL }],
  ['a day that does not exist', local('2030-02-30T12:00:00'), { '/due_at_local': LOCAL }],
  ['a 24th hour', local('2030-01-10T24:00:00'), { '/due_at_local': LOCAL }],
  ['an unknown zone', local('2030-01-10T12:00:00', 'Mars/Olympus'), { '/timezone': ZONE }],
  ['an offset for a zone', local('2030-01-10T12:00:00', '+01:00'), { '/timezone': ZONE }],
  [
    'a wall clock without a zone',
    { due_at_local: '2030-01-10T12:00:00' },
    { '/timezone': 'is required with "due_at_local"' },
  ],
  ['a zone without a wall clock', { timezone: 'UTC' }, { '/due_at_local': 'is required with "timezone"' }],
  ['a wall clock beyond the horizon', local('2099-01-10T12:00:00'), { '/due_at_local': HORIZON }],
  [
    'two ways at once',
    { delay: '1s', seconds: 1 },
    { '/delay': 'says when a second time: "seconds" is given too; use one of them' },
  ],
  ['an unknown method', { method: 'CONNECT' }, { '/method': 'must be one of GET, POST, PUT, PATCH, DELETE' }],
  ['a method in lower case', { method: 'post' }, { '/method': 'must be one of GET, POST, PUT, PATCH, DELETE' }],
  ['headers in a list', { headers: [] }, { '/headers': 'must be a JSON object' }],
  ['null for headers', { headers: null }, { '/headers': 'must be a JSON object' }],
  ['fifty-one headers', { headers: pairs(51) }, { '/headers': 'must have 50 names or less' }],
  [
    'more than 8 KiB of headers',
    { headers: { a: 'x'.repeat(8192) } },
    { '/headers': 'must be 8192 bytes or less in all' },
  ],
  ['a header name with a blank', { headers: { 'a b': '1' } }, { '/headers/a b': 'is no header name (RFC 9110)' }],
  ['an empty header name', { headers: { '': '1' } }, { '/headers/': 'is no header name (RFC 9110)' }],
  ['a line break in a header', { headers: { a: '1\r\nb: 2' } }, { '/headers/a': CHARACTERS }],
  ['a NUL in a header', { headers: { a: '1\0' } }, { '/headers/a': CHARACTERS }],
  ['a header beyond ASCII', { headers: { a: 'ü' } }, { '/headers/a': CHARACTERS }],
  ['a header that ends in a blank', { headers: { a: '1 ' } }, { '/headers/a': CHARACTERS }],
  ['a number for a header', { headers: { a: 1 } }, { '/headers/a': 'must be a string' }],
  [
    'a header in two cases',
    { headers: { a: '1', A: '2' } },
    { '/headers/A': 'is given twice; names are the same in upper and lower case' },
  ],
  ['a reserved header', { headers: { Host: 'a' } }, { '/headers/Host': 'is a header that this service sets itself' }],
  [
    'a header of our own',
    { headers: { 'Webhook-Id': 'a' } },
    { '/headers/Webhook-Id': 'is a header that this service sets itself' },
  ],
  [
    'two bodies',
    { body: 1, body_text: 'a' },
    { '/body_text': 'is a second body: "body" is given too; use one of them' },
  ],
  ['a body with GET', { method: 'GET', body: 1 }, { '/body': 'cannot be sent with GET' }],
  ['a body too deep to be sent', { body: deep(101) }, { '/body': 'must not be nested deeper than 100 levels' }],
  [
    'a number that would be sent rounded',
    { body: { id: 2 ** 53 } },
    {
      '/body':
        'has a number beyond 2^53, which would be sent rounded; send such JSON as "body_text" with its "content_type"',
    },
  ],
  ['more than 64 KiB of JSON', { body: 'x'.repeat(65_535) }, { '/body': 'must be 65536 bytes or less' }],
  ['more than 64 KiB of UTF-8', { body_text: 'ü'.repeat(32_769) }, { '/body_text': 'must be 65536 bytes or less' }],
  ['half a surrogate pair', { body_text: '\ud800' }, { '/body_text': 'must be well-formed Unicode' }],
  [
    'base64 without its padding',
    { body_base64: 'AP8' },
    { '/body_base64': 'must be base64 (RFC 4648 §4, with padding)' },
  ],
  ['base64 for URLs', { body_base64: 'AP_-' }, { '/body_base64': 'must be base64 (RFC 4648 §4, with padding)' }],
  ['a content type that is none', { body: 1, content_type: 'json' }, { '/content_type': MEDIA }],
  ['a content type with a line break', { body: 1, content_type: 'a/b;\r\nc: d' }, { '/content_type': MEDIA }],
  ['a content type without a body', { content_type: 'a/b' }, { '/content_type': 'tells of a body, and none is given' }],
  [
    'two content types',
    { body: 1, content_type: 'a/b', headers: { 'Content-Type': 'a/b' } },
    { '/content_type': 'is given a second time among the headers' },
  ],
  ['a word for append_id', { append_id: 'no' }, { '/append_id': 'must be true or false' }],
  [
    'a deadline beyond the lease',
    { timeout_ms: 24_001 },
    { '/timeout_ms': 'must be 24000 or less, or the lease of a claim would not cover the call' },
  ],
  ['a deadline too short', { timeout_ms: 9 }, { '/timeout_ms': 'must be 10 or more' }],
  ['no attempts', { max_attempts: 0 }, { '/max_attempts': 'must be 1 or more' }],
  ['too many attempts', { max_attempts: 1001 }, { '/max_attempts': 'must be 1000 or less' }],
  ['a retry of both kinds', { retry: { base_ms: 1, cap_ms: 1, delays_ms: [1] } }, { '/retry': RETRY }],
  [
    'a retry whose cap is below its base',
    { retry: { base_ms: 2, cap_ms: 1 } },
    { '/retry': 'needs a cap_ms no smaller than its base_ms' },
  ],
  ['a retry without delays', { retry: { delays_ms: [] } }, { '/retry/delays_ms': 'must be 1 entries or more' }],
  [
    'a retry beyond a week',
    { retry: { delays_ms: [604_800_001] } },
    { '/retry/delays_ms/0': 'must be 604800000 or less' },
  ],
  ['an unknown delivery', { delivery: 'exactly_once' }, { '/delivery': 'must be one of at_least_once, at_most_once' }],
  [
    'a second attempt at most once',
    { delivery: 'at_most_once', max_attempts: 2 },
    { '/max_attempts': 'must be 1 with at_most_once, which is never tried again' },
  ],
  [
    'a retry at most once',
    { delivery: 'at_most_once', retry: { delays_ms: [1] } },
    { '/retry': 'has no meaning with at_most_once, which is never tried again' },
  ],
  ['an expiry before due', { expires_after_ms: 0 }, { '/expires_after_ms': 'must be 1 or more' }],
  ['an empty label', { label: '' }, { '/label': 'must be text without control characters' }],
  ['a label with a line break', { label: 'a\nb' }, { '/label': 'must be text without control characters' }],
  ['a label of 129 characters', { label: 'x'.repeat(129) }, { '/label': 'must be 128 characters or less' }],
  ['seventeen pairs of metadata', { metadata: pairs(17) }, { '/metadata': 'must have 16 pairs or less' }],
  ['metadata in a list', { metadata: ['a'] }, { '/metadata': 'must be a JSON object' }],
  [
    'a number for metadata',
    { metadata: { a: 1 } },
    { '/metadata/a': 'must be a string of 512 characters or less, well-formed Unicode' },
  ],
  [
    'long metadata',
    { metadata: { a: 'x'.repeat(513) } },
    { '/metadata/a': 'must be a string of 512 characters or less, well-formed Unicode' },
  ],
  [
    'metadata without a name',
    { metadata: { '': 'a' } },
    { '/metadata/': 'needs a name of 1 to 64 characters of well-formed Unicode' },
  ],
  ['a key, which has a path of its own', { key: 'a' }, { '/key': 'is not a known field' }],
];

describeOnStores('POST /timers', (opened) => {
  const post = (body: object) =>
    request(opened().api().app)
      .post('/timers')
      .send({ url: HOOK, ...body });
  const idOf = ({ body }: request.Response) => (body as { id: string }).id;

  it.each(WHEN)('takes %s', async (_name, when, dueAt) => {
    const answer = await post(when);

    expect(answer.body).toMatchObject({ due_at: new Date(dueAt).toISOString() });
    const { dueAt: stored, nextAttemptAt, delayMs } = await opened().stored(idOf(answer));
    expect(stored).toBe(dueAt);
    expect(nextAttemptAt).toBe(Math.max(dueAt, START));
    expect(delayMs).toBe(Math.max(dueAt - START, 0));
  });

  it.each(WHAT)('takes %s', async (_name, what, stored, shown) => {
    const answer = await post(what);

    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject(shown);
    const { body, ...rest } = await opened().stored(idOf(answer));
    const { body: bytes, ...expected } = stored;
    expect(rest).toMatchObject(expected);
    if (bytes !== undefined) expect(body && Buffer.from(body)).toEqual(bytes);
    const read = await request(opened().api().app).get(`/timers/${idOf(answer)}`);
    expect(read.body).toEqual(answer.body);
  });

  it.each(WRONG)('refuses %s, points at the field and stores nothing', async (_name, fault, errors) => {
    const before = await opened().count();

    const answer = await post(fault);

    const told = (answer.body as { errors: { pointer: string; message: string }[] }).errors;
    expect(Object.fromEntries(told.map(({ pointer, message }) => [pointer, message]))).toEqual(errors);
    expect(answer.status).toBe(422);
    expect(await opened().count()).toBe(before);
  });
});
