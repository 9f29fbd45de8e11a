import { setTimeout as delay } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createStatusApi, type StatusApi } from '../../src/presence/status-api.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpReceiver, startTcpReceiver, type ReceivedRequest } from '../support/receiver.ts';

const NEVER = new AbortController().signal;
let api: StatusApi | undefined;
afterEach(() => api?.close());

async function lookAt(
  answer: (response: ServerResponse, request: ReceivedRequest) => void,
  { id = '1', path = '/objects/1', signal = NEVER, timeoutMs = 5000 } = {},
) {
  await using server = await startHttpReceiver(answer);
  api = createStatusApi({ url: `${server.url}/base`, timeoutMs, userAgent: 'punctual/1.2.3' });
  const startedAt = performance.now();
  const look = await api.look(id, { path, signal });
  return { look, tookMs: performance.now() - startedAt, requests: server.requests };
}

const saying =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(body);

describe('A look at an object', () => {
  it('is one plain GET below the base URL', async () => {
    const { requests } = await lookAt(saying(200, '{"id":"é/?#","online":true}'), {
      id: 'é/?#',
      path: `/objects/${encodeURIComponent('é/?#')}`,
    });

    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /base/objects/%C3%A9%2F%3F%23']);
    expect(requests[0]?.headers).toMatchObject({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'punctual/1.2.3',
    });
  });

  it.each([
    ['a number', '{"id":1,"online":true}', true],
    ['a string', '{"id":"1","online":false}', false],
    ['with more than was asked for', ' {"online":true,"id":1,"since":"noon"} ', true],
  ])('tells what the API says of it, with its id %s', async (_, body, online) => {
    expect((await lookAt(saying(200, body))).look).toEqual({ kind: 'seen', online, httpStatus: 200 });
  });

  it('takes a number that is too large to be exact for the id that is spelled so', async () => {
    const id = '12345678901234567890';
    const { look } = await lookAt(saying(200, `{"id":${id},"online":true}`), { id });
    expect(look).toMatchObject({ kind: 'seen', online: true });
  });

  it.each([
    ['no JSON', 200, '<html>'],
    ['nothing', 200, ''],
    ['JSON of another shape', 200, '{"id":1}'],
    ['words for a boolean', 200, '{"id":1,"online":"true"}'],
    ['null', 200, 'null'],
    ['another object', 200, '{"id":2,"online":true}'],
    ['more than anybody needs to say', 200, `{"id":1,"online":true,"x":"${'x'.repeat(100_000)}"}`],
  ])('fails where the answer is %s', async (_, status, body) => {
    expect((await lookAt(saying(status, body))).look).toMatchObject({
      kind: 'failed',
      httpStatus: status,
      error: { code: 'invalid_response' },
    });
  });

  it.each([201, 204, 404, 429, 500, 503])('fails where the status is %d, whatever else is said', async (status) => {
    const { look, requests } = await lookAt(saying(status, status === 204 ? '' : '{"id":1,"online":true}'));

    const verdict = [429, 503].includes(status) ? 'overloaded' : 'answered';
    expect(look).toMatchObject({ kind: 'failed', httpStatus: status, verdict, error: { code: `http_${status}` } });
    expect(requests).toHaveLength(1);
  });

  it('follows no redirect', async () => {
    const { look, requests } = await lookAt(saying(302, '', { location: '/base/objects/2' }));
    expect([look, requests.length]).toMatchObject([{ error: { code: 'http_302' } }, 1]);
  });

  it.each([
    ['does not begin', () => undefined],
    ['never ends', (response: ServerResponse) => void response.writeHead(200).write('{"id":1,')],
  ])('ends at its deadline where the answer %s', async (_, answer) => {
    const { look, tookMs } = await lookAt(answer, { timeoutMs: 200 });

    expect(look).toMatchObject({ kind: 'failed', error: { code: 'timeout' } });
    expect(tookMs).toBeGreaterThan(190);
    expect(tookMs).toBeLessThan(2000);
  });

  it('stops reading an answer without end, and hangs up', async () => {
    let isHungUp = false;
    await using server = await startHttpReceiver((response) => {
      response.on('close', () => (isHungUp = true));
      void (async () => {
        while (!response.destroyed) {
          response.write('x'.repeat(65_536));
          await delay(1);
        }
      })();
    });
    api = createStatusApi({ url: server.url, timeoutMs: 60_000, userAgent: 'x' });

    const look = await api.look('1', { path: '/objects/1', signal: NEVER });

    expect(look).toMatchObject({ kind: 'failed', error: { code: 'invalid_response' } });
    await eventually(() => isHungUp);
  });

  it('ends at once when it is given up', async () => {
    const stopping = new AbortController();
    const { look, tookMs } = await lookAt(() => stopping.abort(), { signal: stopping.signal });
    expect(look).toMatchObject({
      kind: 'failed',
      httpStatus: null,
      verdict: 'inconclusive',
      error: { code: 'interrupted' },
    });
    expect(tookMs).toBeLessThan(2000);

    const again = await lookAt(() => undefined, { signal: stopping.signal });
    expect([again.look, again.requests]).toMatchObject([{ error: { code: 'interrupted' } }, []]);
  });

  it('fails where nobody listens, or what listens is no HTTP, and tells no address', async () => {
    const nobody = createStatusApi({ url: 'http://127.0.0.1:1', timeoutMs: 1000, userAgent: 'x' });
    const look = await nobody.look('1', { path: '/objects/1', signal: NEVER });
    nobody.close();
    expect(look).toMatchObject({
      kind: 'failed',
      httpStatus: null,
      verdict: 'unreachable',
      error: { code: 'network_error' },
    });

    await using server = await startTcpReceiver((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    api = createStatusApi({ url: `http://127.0.0.1:${server.port}`, timeoutMs: 1000, userAgent: 'x' });
    const other = await api.look('1', { path: '/objects/1', signal: NEVER });
    expect(other).toMatchObject({ kind: 'failed', httpStatus: null, error: { code: 'network_error' } });
    expect(JSON.stringify([look, other])).not.toContain('127.0.0.1');
  });
});
