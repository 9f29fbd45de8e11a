import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { apiUnderTest, HOOK } from './api-under-test.ts';

describe('while webhooks may reach loopback', () => {
  it.each(['127.0.0.1', '127.0.0.1:8080', '127.255.255.254:1', 'localhost', 'LOCALHOST:8080', '[::1]', '[::1]:8080'])(
    'a request to %s is served',
    async (host) => {
      const { app } = apiUnderTest({ loopbackOnly: true });

      const answer = await request(app).post('/timers').set('Host', host).send({ url: HOOK });

      expect(answer.status).toBe(201);
    },
  );

  it.each([
    ['a name rebound to this machine', 'evil.example:8080'],
    ['a name that begins like ours', 'localhost.evil.example'],
    ['a name that ends like ours', 'evil.localhost'],
    ['a name that carries our address', '127.0.0.1.nip.io'],
    ['an address of the network', '192.168.0.7:8080'],
    ['every address', '0.0.0.0'],
    ['a mapped address', '[::ffff:127.0.0.1]'],
    ['an octet too large', '127.0.0.256'],
    ['credentials before the host', 'evil@127.0.0.1'],
    ['nothing', ''],
  ])('a request to %s is refused and stores nothing', async (_name, host) => {
    const { app, store } = apiUnderTest({ loopbackOnly: true });

    const answer = await request(app).post('/timers').set('Host', host).send({ url: HOOK });

    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ code: 'host_not_allowed', detail: expect.stringContaining('API_KEYS') });
    expect(store.rows.size).toBe(0);
  });

  it.each([
    ['Forwarded', 'for=203.0.113.9'],
    ['X-Forwarded-For', '203.0.113.9'],
    ['X-Forwarded-Host', 'localhost'],
    ['X-Forwarded-Proto', 'https'],
    ['x-forwarded-anything', ''],
    ['X-Real-IP', '203.0.113.9'],
    ['Via', '1.1 proxy'],
  ])('a request with the header %s is refused, for it came through a proxy', async (name, value) => {
    const { app } = apiUnderTest({ loopbackOnly: true });

    const answer = await request(app).get('/docs').set(name, value);

    expect(answer.status).toBe(403);
  });

  it('a request of HTTP/1.0 is refused, as a proxy that tells nothing of itself sends it', async () => {
    const { app } = apiUnderTest({ loopbackOnly: true });
    await using receiver = await listen(app);

    expect(await receiver.ask('GET /docs HTTP/1.0\r\nHost: 127.0.0.1:8080\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await receiver.ask('GET /health HTTP/1.0\r\nHost: 127.0.0.1:8080\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each(['/docs', '/redoc', '/openapi.json', '/nothing'])('a foreign host gets nothing of %s', async (path) => {
    const { app } = apiUnderTest({ loopbackOnly: true });

    expect((await request(app).get(path).set('Host', 'evil.example')).status).toBe(403);
  });

  it.each(['/health', '/ready', '/ready/'])('%s answers whoever asks, a prober behind a proxy too', async (path) => {
    const { app } = apiUnderTest({ loopbackOnly: true });

    const answer = await request(app).get(path).set({ Host: 'evil.example', 'X-Forwarded-For': '203.0.113.9' });

    expect(answer.status).toBe(200);
  });

  it('a page of another origin cannot post, since a form or plain text is no JSON', async () => {
    const { app } = apiUnderTest({ loopbackOnly: true });

    const answer = await request(app)
      .post('/timers')
      .set({ Origin: 'https://evil.example', 'Content-Type': 'text/plain' })
      .send(`{"url":"${HOOK}"}`);

    expect(answer.status).toBe(415);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('with keys or another address', () => {
  it('every host and every proxy is served', async () => {
    const { app } = apiUnderTest({ loopbackOnly: false });

    const answer = await request(app).get('/docs').set({ Host: 'timers.example', Forwarded: 'for=203.0.113.9' });

    expect(answer.status).toBe(200);
  });
});

/** For requests that no client library makes. */
async function listen(app: RequestListener) {
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    ask: (bytes: string) => text(connect(port, '127.0.0.1').end(bytes)),
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
