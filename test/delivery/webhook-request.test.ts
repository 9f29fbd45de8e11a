import { describe, expect, it } from '@jest/globals';
import type { ClaimedTimer } from '../../src/timers/index.ts';
import { startHttpReceiver, type ReceivedRequest } from '../support/receiver.ts';
import { openDelivery, TIMER_ID } from './under-test.ts';

/** What a receiver gets for a timer; its URL is a path on the receiver. */
async function received({ url = '/hook', ...over }: Partial<ClaimedTimer>): Promise<ReceivedRequest> {
  await using receiver = await startHttpReceiver();
  await using delivery = openDelivery();

  const outcome = await delivery.perform({ ...over, url: receiver.url + url });

  expect(outcome).toEqual({ kind: 'delivered', error: null, httpStatus: 204, answer: null });
  const [request] = receiver.requests;
  if (request === undefined) throw new Error('Nothing was received');
  return request;
}

describe('the request of a bare timer', () => {
  it('is a POST of the id to the URL with the id appended, and says what it is', async () => {
    const { method, url, headers, body } = await received({});

    expect({ method, url, body: body.toString() }).toEqual({
      method: 'POST',
      url: `/hook/${TIMER_ID}`,
      body: `{"id":"${TIMER_ID}"}`,
    });
    expect(headers).toEqual({
      host: headers.host,
      connection: 'keep-alive',
      'webhook-id': TIMER_ID,
      'webhook-timestamp': '1800000001',
      'punctual-attempt': '1',
      'punctual-fence': '3',
      'punctual-due-at': '2027-01-15T08:00:00.000Z',
      'accept-encoding': 'identity',
      'user-agent': 'Punctual/test',
      'content-type': 'application/json',
      'content-length': '45',
    });
  });
});

describe('the URL', () => {
  it.each([
    ['', `/${TIMER_ID}`],
    ['/', `/${TIMER_ID}`],
    ['/hook', `/hook/${TIMER_ID}`],
    ['/hook/', `/hook/${TIMER_ID}`],
    ['/a//', `/a//${TIMER_ID}`],
    ['/hook?x=1&y=a/b', `/hook/${TIMER_ID}?x=1&y=a/b`],
    ['/hook/?x=1', `/hook/${TIMER_ID}?x=1`],
    ['?x=1', `/${TIMER_ID}?x=1`],
    ['/a%20b/%C3%A4?q=%26', `/a%20b/%C3%A4/${TIMER_ID}?q=%26`],
  ])('%j gets the id as a path segment before any query', async (url, expected) => {
    expect((await received({ url })).url).toBe(expected);
  });

  it.each([
    ['', '/'],
    ['/hook', '/hook'],
    ['/hook/?x=1', '/hook/?x=1'],
  ])('%j stays as it is where the id is not wanted', async (url, expected) => {
    expect((await received({ url, appendId: false })).url).toBe(expected);
  });
});

describe('the headers', () => {
  it('count attempts and claims, and keep the id over retries', async () => {
    const { headers } = await received({ attempts: 4, fence: 17 });

    expect(headers).toMatchObject({ 'webhook-id': TIMER_ID, 'punctual-attempt': '5', 'punctual-fence': '17' });
  });

  it('carry an id of their own for each replay', async () => {
    expect((await received({ run: 2 })).headers['webhook-id']).toBe(`${TIMER_ID}_2`);
  });

  it('of the timer go on top of our defaults, once each', async () => {
    const { headers, rawHeaders } = await received({
      headers: { 'Content-Type': 'text/plain', 'USER-AGENT': 'Acme', Authorization: 'Bearer x', 'X-Empty': '' },
    });

    expect(headers).toMatchObject({
      'content-type': 'text/plain',
      'user-agent': 'Acme',
      authorization: 'Bearer x',
      'x-empty': '',
    });
    const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
  });

  it('that receivers check us by, or that belong to the connection, cannot be set by a timer', async () => {
    const { headers } = await received({
      headers: {
        Host: 'evil.example',
        'Content-Length': '3',
        Connection: 'close',
        'Transfer-Encoding': 'chunked',
        'Webhook-Id': 'forged',
        'webhook-signature': 'v1,forged',
        'Punctual-Attempt': '99',
        'Proxy-Authorization': 'x',
        'Accept-Encoding': 'gzip',
        Expect: '100-continue',
      },
    });

    expect(headers).toMatchObject({
      'webhook-id': TIMER_ID,
      'punctual-attempt': '1',
      'accept-encoding': 'identity',
      'content-length': '45',
      connection: 'keep-alive',
    });
    expect(headers.host).not.toBe('evil.example');
    expect(Object.keys(headers)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(proxy-|expect|transfer-encoding|webhook-signature)/)]),
    );
  });

  it.each([{ 'x-a': 'b\r\nx-c: d' }, { 'x-a': 'b\0' }, { 'x a': 'b' }, { '': 'b' }, { 'x-ä': 'b' }, { 'x-a': '€' }])(
    '%j cannot be sent, and nothing is',
    async (headers) => {
      await using receiver = await startHttpReceiver();
      await using delivery = openDelivery();

      expect(await delivery.perform({ url: receiver.url, headers })).toMatchObject({
        kind: 'retry',
        error: { code: 'invalid_request' },
        verdict: 'inconclusive',
        maybeSent: false,
      });
      expect(receiver.requests).toEqual([]);
    },
  );
});

describe('the body', () => {
  it.each(['POST', 'PUT', 'PATCH'] as const)('of a %s is the id unless the timer has its own', async (method) => {
    const request = await received({ method });

    expect(request.method).toBe(method);
    expect(request.body.toString()).toBe(`{"id":"${TIMER_ID}"}`);
  });

  it.each(['GET', 'DELETE'] as const)('of a %s is empty unless the timer has its own', async (method) => {
    const request = await received({ method });

    expect(request.method).toBe(method);
    expect(request.body).toHaveLength(0);
    expect(request.headers).not.toHaveProperty('content-type');
    expect(request.headers).not.toHaveProperty('transfer-encoding');
  });

  it.each(['GET', 'DELETE', 'POST'] as const)('of a %s is the exact bytes of the timer', async (method) => {
    const body = new Uint8Array([0, 255, 13, 10, 0xc3, 0x28]);

    const request = await received({ method, body, bodyBytes: body.length });

    expect(new Uint8Array(request.body)).toEqual(body);
    expect(request.headers['content-length']).toBe('6');
  });

  it('may be empty by the timer’s own wish', async () => {
    const request = await received({ body: new Uint8Array(0) });

    expect(request.body).toHaveLength(0);
    expect(request.headers['content-length']).toBe('0');
  });

  it('that was left out of the claim is never replaced by the default one', async () => {
    await using receiver = await startHttpReceiver();
    const bugs: unknown[] = [];
    await using delivery = openDelivery({ onBug: (error) => void bugs.push(error) });

    expect(await delivery.perform({ url: receiver.url, body: null, bodyBytes: 100_000 })).toMatchObject({
      kind: 'retry',
      error: { code: 'internal_error' },
      verdict: 'inconclusive',
      maybeSent: false,
    });
    expect(receiver.requests).toEqual([]);
    expect(bugs).toEqual([
      new Error('The body of the timer has not been read; the default body must not go in its place'),
    ]);
  });
});
