import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startBalancer, type Balancer } from '../../.cicd/smoke/balancer.ts';
import { eventually } from '../support/eventually.ts';

let balancer: Balancer;
let replicas: [Server, Server];
/** What each request was told apart by, at each replica that it reached. */
let received: string[] = [];
/** Whether the first replica ends the connection where an answer should come. */
let firstBreaksOff = false;

beforeAll(async () => {
  balancer = await startBalancer();
  const [first, second] = balancer.addresses;
  replicas = [await startReplica(first, () => firstBreaksOff), await startReplica(second, () => false)];
}, 180_000);

afterAll(async () => {
  for (const replica of replicas) {
    replica.close();
    replica.closeAllConnections();
  }
  await balancer[Symbol.asyncDispose]();
});

beforeEach(async () => {
  firstBreaksOff = false;
  // nginx asks for the replicas' addresses when it has started.
  await eventually(() =>
    send('GET', '/').then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  received = [];
});

async function startReplica(host: string, breaksOff: () => boolean): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      received.push(String(request.headers['test-request']));
      if (breaksOff()) request.socket.destroy();
      else response.end('{}');
    });
  }).listen(balancer.port, host);
  await once(server, 'listening');
  return server;
}

const send = (method: string, path: string, { mark = '', bytes = 0 } = {}) =>
  fetch(balancer.url + path, {
    method,
    headers: { 'test-request': mark },
    ...(method === 'POST' ? { body: 'x'.repeat(bytes) } : {}),
    signal: AbortSignal.timeout(10_000),
  });

const marks = ['a', 'b', 'c', 'd', 'e', 'f'];

async function sendAll(method: string): Promise<number[]> {
  const statuses: number[] = [];
  for (const mark of marks) statuses.push((await send(method, '/timers', { mark, bytes: 100 })).status);
  return statuses;
}

test('a POST that a replica broke off is answered with 502 and sent to no other', async () => {
  firstBreaksOff = true;
  const statuses = await sendAll('POST');
  expect(new Set(statuses)).toEqual(new Set([200, 502]));
  expect(received).toEqual(marks);
});

test('a GET that a replica broke off is answered by the other', async () => {
  firstBreaksOff = true;
  expect(new Set(await sendAll('GET'))).toEqual(new Set([200]));
});

test('a body beyond what the service reads is refused in the words of the service, and where it may be larger it passes', async () => {
  const refused = await send('POST', '/timers', { bytes: 2 * 1024 * 1024 });
  expect(refused.status).toBe(413);
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  expect(await refused.json()).toMatchObject({ type: 'urn:punctual:too_large', status: 413, code: 'too_large' });

  for (const path of ['/timers/batch', '/callback']) {
    expect((await send('POST', path, { bytes: 8 * 1024 * 1024 })).status).toBe(200);
  }
  expect((await send('POST', '/api/v1/timers/import', { bytes: 32 * 1024 * 1024 })).status).toBe(200);
});

test('a POST is sent to the other replica when one does not accept connections', async () => {
  replicas[0].close();
  replicas[0].closeAllConnections();
  await once(replicas[0], 'close');
  expect(new Set(await sendAll('POST'))).toEqual(new Set([200]));
  expect(received).toEqual(marks);
});
