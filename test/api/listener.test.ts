import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseApiKeys, type ApiDeps } from '../../src/api/index.ts';
import { eventually } from '../support/eventually.ts';
import { apiUnderTest, HOOK, memoryStore } from './api-under-test.ts';

const BODY = JSON.stringify({ seconds: 1, url: HOOK });
const HEAD = 'POST /timers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const POST = `${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
const GET = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** Short, so that slow clients need not be slow tests. */
const DEADLINES = { headersMs: 100, requestMs: 200, checkEveryMs: 20 };
/** So that not even a fast machine reaches the limit of the headers before their deadline. */
const TURNS_PER_BYTE = 20;

const running: { stop: () => Promise<void> }[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const api of running.splice(0)) await api.stop();
});

async function listening(overrides: Partial<ApiDeps> = {}) {
  const api = apiUnderTest(overrides);
  await api.start();
  running.push(api);
  return api;
}

/** A connection, what came in on it, and how to await a text or its end. */
async function client(api: { address: () => { port: number } }) {
  const socket = connect(api.address().port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const state = { received: '' };
  socket.on('data', (chunk: Buffer) => (state.received += chunk.toString()));
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(state.received)));
  const until = async (text: string) => {
    while (!state.received.includes(text)) await once(socket, 'data');
    return state.received;
  };
  return { socket, state, ended, until };
}

/** Begins with the text and goes on byte by byte, as a slow attacker does: never silent for long, and never at an end. */
async function drip(socket: Socket, text: string) {
  socket.write(text);
  while (!socket.destroyed) {
    for (let turn = 0; turn < TURNS_PER_BYTE; turn++) await new Promise((resolve) => setImmediate(resolve));
    socket.write('x');
  }
}

/** Until the connection is gone. */
function keepSending(socket: Socket, chunk: string) {
  const sending = setInterval(() => socket.write(chunk), 1);
  socket.once('close', () => clearInterval(sending));
}

async function nextTurns() {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a client that is too slow', () => {
  it('is told so and cut off when its headers drip', async () => {
    const api = await listening({ deadlines: { ...DEADLINES, requestMs: 60_000 } });
    const { socket, ended } = await client(api);

    void drip(socket, `${HEAD}X-Slow: `);

    expect(await ended).toMatch(/^HTTP\/1\.1 408 .*"code":"request_timeout"/s);
    expect(api.store.rows.size).toBe(0);
  });

  it('is told so and cut off when its body drips', async () => {
    const api = await listening({ deadlines: DEADLINES });
    const { socket, ended } = await client(api);

    void drip(socket, `${HEAD}Content-Length: 100000\r\n\r\n${BODY.slice(0, 10)}`);

    expect(await ended).toMatch(/^HTTP\/1\.1 408 .*"code":"request_timeout"/s);
    expect(api.store.rows.size).toBe(0);
  });

  it('is cut off when it says nothing at all', async () => {
    const api = await listening({ deadlines: { ...DEADLINES, requestMs: 60_000 } });
    const { ended } = await client(api);

    await ended;
  });

  it('is cut off when it does not read what it asked for', async () => {
    const api = await listening({ deadlines: { idleMs: 100 } });
    const { socket } = await client(api);

    socket.pause();
    socket.write('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(10));

    await eventually(() => api.logged.some(({ aborted }) => aborted === true));
  });

  it('does not keep others from being served, be it two hundred of them', async () => {
    const api = await listening({ deadlines: { ...DEADLINES, headersMs: 5000, requestMs: 5000 } });
    const slow = await Promise.all(Array.from({ length: 200 }, () => client(api)));
    for (const { socket } of slow) socket.write(HEAD);

    const { socket, until } = await client(api);
    socket.write(POST);

    expect(await until('}')).toContain('HTTP/1.1 201');
  });

  it('stores nothing when it leaves in the middle of a body', async () => {
    const api = await listening();
    const { socket, until } = await client(api);

    socket.write(`${HEAD}Content-Length: ${BODY.length}\r\nExpect: 100-continue\r\n\r\n`);
    await until('100 Continue');
    socket.write(BODY.slice(0, 10), () => socket.destroy());
    await eventually(() => api.logged.some(({ msg }) => msg === 'request'));

    expect(api.store.rows.size).toBe(0);
    expect(api.logged).toMatchObject([{ level: 20, msg: 'request', aborted: true }]);
  });
});

describe('what is hardly HTTP', () => {
  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 400, 'malformed_request'],
    ['conflicting lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`, 400, 'malformed_request'],
    [
      'a length and chunks',
      `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
      400,
      'malformed_request',
    ],
    ['a chunk of no size', `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400, 'malformed_request'],
    [
      'a chunk of no size behind another',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n`,
      400,
      'malformed_request',
    ],
    ['headers of 20 KiB', `${HEAD}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ])('is refused with a problem: %s', async (_name, text, status, code) => {
    const api = await listening();
    const { socket, until } = await client(api);

    socket.write(text);

    const answer = await until('"request_id"');
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('Content-Type: application/problem+json');
    expect(answer).toContain(`"code":"${code}"`);
    expect(answer).toMatch(/X-Request-Id: \S+/);
    expect(api.store.rows.size).toBe(0);
  });

  it('cannot hide the header that tells of a proxy behind thousands of others', async () => {
    const api = await listening({ loopbackOnly: true });
    const { socket, until } = await client(api);

    socket.write(
      `GET /docs HTTP/1.1\r\nHost: localhost\r\n${'X:\r\n'.repeat(2500)}X-Forwarded-For: 203.0.113.9\r\n\r\n`,
    );

    expect(await until('"request_id"')).toContain('HTTP/1.1 403');
  });

  it('cannot name another host in its request line', async () => {
    const api = await listening({ loopbackOnly: true });
    const { socket, until } = await client(api);

    socket.write('GET http://evil.example/docs HTTP/1.1\r\nHost: localhost\r\n\r\n');

    expect(await until('"request_id"')).toContain('HTTP/1.1 403');
  });

  it('never gets a refusal where the answer to an earlier request belongs, but that answer, and no more', async () => {
    const insertion = Promise.withResolvers<undefined>();
    const api = await listening({ store: { ...memoryStore(), insert: () => insertion.promise } });
    const { socket, state, ended } = await client(api);

    socket.write(`${POST}this is not HTTP\r\n\r\n`);
    await nextTurns();
    socket.write('nor is this\r\n\r\n');
    await nextTurns();
    expect(state.received).toBe('');
    insertion.resolve(undefined);

    expect((await ended).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 201']);
  });

  it('is told of a body that nothing announced, where it sends one', async () => {
    const api = await listening();
    const { socket, ended } = await client(api);

    socket.write(
      'POST /timers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n{"url":"http://localhost/"}',
    );

    expect(await ended).toContain('The body is empty');
  });
});

describe('a client that sends requests ahead', () => {
  /** A store whose inserts wait to be let through, one by one. */
  function gatedStore() {
    const inserts: (() => void)[] = [];
    const insert = () => new Promise<void>((resolve) => void inserts.push(resolve));
    return { store: { ...memoryStore(), insert }, inserts };
  }
  const answers = (received: string) => received.match(/HTTP\/1\.1 \d+/g) ?? [];

  it('gets each answered after the one before it, so that one connection costs no more than one answer', async () => {
    const { store, inserts } = gatedStore();
    const api = await listening({ store });
    const { socket, state, until } = await client(api);

    socket.write(POST.repeat(3) + GET);

    for (const nth of [1, 2, 3]) {
      await eventually(() => inserts.length === nth);
      // What was sent ahead has been there for long: it would have been begun by now.
      await nextTurns();
      expect(inserts).toHaveLength(nth);
      expect(answers(state.received)).toHaveLength(nth - 1);
      inserts.at(-1)?.();
    }
    expect(answers(await until('{"status":"ok"}'))).toEqual([...Array<string>(3).fill('HTTP/1.1 201'), 'HTTP/1.1 200']);
  });

  it('gets all of them answered, be they sixteen, with what comes later', async () => {
    const { store, inserts } = gatedStore();
    const api = await listening({ store });
    const { socket, state, until } = await client(api);

    socket.write(POST + GET.repeat(16));
    await eventually(() => inserts.length === 1);
    inserts[0]?.();
    await eventually(() => answers(state.received).length === 17);
    socket.write(POST);
    await eventually(() => inserts.length === 2);
    inserts[1]?.();

    await eventually(() => answers(state.received).length === 18);
    expect(await until('HTTP/1.1 201')).not.toContain('Connection: close');
  });

  it('is cut off by the seventeenth, and none of what it sent ahead is begun', async () => {
    const { store, inserts } = gatedStore();
    const api = await listening({ store });
    const { socket, ended } = await client(api);

    socket.write(POST.repeat(18) + GET.repeat(1000));

    expect(await ended).toBe('');
    expect(inserts).toHaveLength(1);
    inserts[0]?.();
    await nextTurns();
    expect(inserts).toHaveLength(1);
  });

  it('gets no refusal of what follows where the answer to one sent ahead belongs', async () => {
    const { store, inserts } = gatedStore();
    const api = await listening({ store });
    const { socket, ended } = await client(api);
    socket.write(POST.repeat(2));
    await eventually(() => inserts.length === 1);
    inserts[0]?.();
    await eventually(() => inserts.length === 2);

    socket.write('this is not HTTP\r\n\r\n');
    await nextTurns();
    inserts[1]?.();

    expect(answers(await ended)).toEqual(['HTTP/1.1 201', 'HTTP/1.1 201']);
  });

  it('holds nobody up at a stop with what it sent ahead', async () => {
    const { store, inserts } = gatedStore();
    const api = await listening({ store });
    const { socket, ended } = await client(api);
    socket.write(POST + GET.repeat(3));
    await eventually(() => inserts.length === 1);

    const stopped = api.stop();
    inserts[0]?.();

    expect(answers(await ended)).toEqual(['HTTP/1.1 201']);
    await stopped;
  });
});

describe('a request that is answered before its body has come', () => {
  it.each([
    ['it stalls', ''],
    ['it breaks', 'zz\r\n'],
  ])('is not answered a second time when %s', async (_name, rest) => {
    const api = await listening({ deadlines: DEADLINES });
    const { socket, until, ended } = await client(api);

    socket.write('POST /timers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
    await until('"request_id"');
    socket.write(rest);

    expect((await ended).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 415']);
  });

  it('leaves its connection to the next one once it has come', async () => {
    const api = await listening();
    const { socket, until } = await client(api);

    socket.write('POST /timers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n');
    await until('"request_id"');
    socket.write(`{}${GET}`);
    await until('{"status":"ok"}');
    socket.write('zz\r\n\r\n');

    expect(await until('malformed_request')).toMatch(/HTTP\/1\.1 415 .*HTTP\/1\.1 200 .*HTTP\/1\.1 400 /s);
  });
});

describe('a caller without a key', () => {
  it('is refused while its body has not been sent at all', async () => {
    const api = await listening({ keys: parseApiKeys(`shop=${'0'.repeat(32)}`) });
    const { socket, until } = await client(api);

    socket.write(`${HEAD}Content-Length: ${BODY.length}\r\n\r\n`);

    expect(await until('"request_id"')).toContain('HTTP/1.1 401');
  });
});

describe('a client that asks before it sends its body', () => {
  const KEYS = parseApiKeys(`shop=${'0'.repeat(32)}`);
  const ASKING = `Expect: 100-continue\r\n`;

  it.each([
    ['without a key', { keys: KEYS }, HEAD, BODY.length, 401],
    ['about one that is too large', {}, HEAD, 131_073, 413],
    ['about one of another type', {}, HEAD.replace('json', 'xml'), BODY.length, 415],
    ['about lines of another type', {}, HEAD.replace('/timers', '/timers/import'), BODY.length, 415],
  ])('is refused at once %s', async (_name, deps, head, length, status) => {
    const api = await listening(deps);
    const { socket, until } = await client(api);

    socket.write(`${head}${ASKING}Content-Length: ${length}\r\n\r\n`);

    expect(await until('"request_id"')).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it.each([
    ['a timer', HEAD],
    ['lines', HEAD.replace('/timers', '/timers/import').replace('json', 'x-ndjson')],
  ])('is asked for %s where nothing stands against it', async (_name, head) => {
    const api = await listening();
    const { socket, until } = await client(api);

    socket.write(`${head}${ASKING}Content-Length: ${BODY.length}\r\n\r\n`);
    await until('100 Continue');
    socket.write(BODY);

    expect(await until('}')).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 20[01] /);
    expect(api.store.rows.size).toBe(1);
  });

  it('is served as anybody else if it expects what nobody knows', async () => {
    const api = await listening();
    const { socket, until } = await client(api);

    socket.write(POST.replace('Content-Length', 'Expect: wonders\r\nContent-Length'));

    expect(await until('}')).toMatch(/^HTTP\/1\.1 201 /);
  });
});

describe('a body that is too large', () => {
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;

  it('is refused while it is still being sent', async () => {
    const api = await listening();
    const { socket, until } = await client(api);

    socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    keepSending(socket, chunk);

    expect(await until('"request_id"')).toMatch(/^HTTP\/1\.1 413 .*Connection: close.*"code":"too_large"/s);
  });

  it.each([
    ['chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, `${chunk.repeat(300)}0\r\n\r\n`],
    ['an announced length', `${HEAD}Content-Length: 20000000\r\n\r\n`, 'x'.repeat(20_000_000)],
  ])('tells so even a client that reads no earlier than it has sent all of it, in %s', async (_name, head, body) => {
    const api = await listening();
    const { socket, ended } = await client(api);

    socket.pause();
    socket.write(head);
    await new Promise((resolve) => socket.write(body, resolve));
    socket.resume();

    expect(await ended).toMatch(/^HTTP\/1\.1 413 .*"code":"too_large"/s);
  });

  it.each([
    ['at a stop', {}, '', 503, 'shutting_down'],
    [
      'that wants its connection closed, without a key',
      { keys: parseApiKeys(`shop=${'0'.repeat(32)}`) },
      'Connection: close\r\n',
      401,
      'unauthorized',
    ],
  ])('tells so as well a client %s', async (_name, deps, header, status, code) => {
    const insertion = Promise.withResolvers<undefined>();
    const api = await listening({ ...deps, store: { ...memoryStore(), insert: () => insertion.promise } });
    const [busy, { socket, ended }] = [await client(api), await client(api)];
    socket.write(HEAD + header);
    if (status === 503) {
      busy.socket.write(POST);
      await eventually(() => busy.socket.bytesWritten > 0);
      await nextTurns();
      void api.stop();
    }

    socket.pause();
    socket.write('Content-Length: 20000000\r\n\r\n');
    await new Promise((resolve) => socket.write('x'.repeat(20_000_000), resolve));
    socket.resume();

    expect(await ended).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*"code":"${code}"`, 's'));
    insertion.resolve(undefined);
  });

  it('is cut off in the end when it never ends', async () => {
    const api = await listening({ deadlines: DEADLINES });
    const { socket, ended } = await client(api);

    socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    keepSending(socket, chunk);

    expect((await ended).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413']);
  });

  it('is refused by its announced length alone', async () => {
    const api = await listening();
    const { socket, until } = await client(api);

    socket.write(`${HEAD}Content-Length: 131073\r\n\r\n`);

    expect(await until('"request_id"')).toContain('HTTP/1.1 413');
  });

  it('may have 128 KiB to the byte', async () => {
    const api = await listening();
    const { socket, until } = await client(api);

    socket.write(`${HEAD}Content-Length: 131072\r\n\r\n${BODY.padEnd(131_072, ' ')}`);

    expect(await until('}')).toContain('HTTP/1.1 201');
  });
});

describe('start and stop', () => {
  it('tells where it listens, and only then', async () => {
    const api = apiUnderTest();
    expect(() => api.address()).toThrow('The API does not listen yet.');

    await api.start();

    expect(api.address()).toEqual({ host: '127.0.0.1', port: expect.any(Number) });
    await api.stop();
  });

  it('does not start on a port that is taken', async () => {
    const first = await listening();
    const second = apiUnderTest({ port: first.address().port });

    await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await second.stop();
  });

  it('may be stopped before it was started, and twice', async () => {
    const api = apiUnderTest();

    await api.stop();
    await Promise.all([api.stop(), api.stop()]);
  });

  it('closes connections that are idle, or never sent a byte', async () => {
    const api = await listening();
    const [idle, silent] = [await client(api), await client(api)];
    idle.socket.write(GET);
    await idle.until('{"status":"ok"}');

    await api.stop();

    await Promise.all([idle.ended, silent.ended]);
  });

  it('serves as before once it is retired, and closes each connection after the answer', async () => {
    const api = await listening();
    const [kept, late] = [await client(api), client(api)];
    kept.socket.write(GET);
    await kept.until('{"status":"ok"}');

    api.retire();
    kept.socket.write(POST);
    const { socket, ended } = await late;
    socket.write(POST);

    for (const answer of await Promise.all([kept.ended, ended])) {
      expect(answer).toMatch(/HTTP\/1\.1 201 .*Connection: close/s);
    }
  });

  it('takes no more connections than it has room for, says so once, and takes others when some have gone', async () => {
    const api = await listening({ maxConnections: 2 });
    const [first] = [await client(api), await client(api)];
    const refused = [await client(api), await client(api)];
    expect(await Promise.all(refused.map(({ ended }) => ended))).toEqual(['', '']);
    expect(api.logged.filter(({ msg }) => msg === 'http.connections_refused')).toMatchObject([{ connections: 2 }]);

    first.socket.destroy();
    await eventually(async () => {
      const { socket, ended, until } = await client(api);
      socket.write(GET);
      return (await Promise.race([until('200 OK'), ended])) !== '';
    });
  });

  it('cuts a client that does not read its answer, when it is stopped', async () => {
    const api = await listening({ deadlines: { stopMs: 200 } });
    const { socket } = await client(api);
    socket.pause();
    // More than the system takes in on behalf of a reader.
    socket.write('GET /redoc/redoc.standalone.js HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20));
    await eventually(() => socket.bytesWritten > 0 && api.logged.length > 0);

    await api.stop();
  });

  it('answers what has begun, refuses what comes meanwhile, and then is gone', async () => {
    const insertion = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    const api = await listening({
      store: {
        ...memoryStore(),
        insert() {
          begun.resolve(undefined);
          return insertion.promise;
        },
      },
    });
    const [first, second] = [await client(api), await client(api)];
    const { port } = api.address();
    // The server has heard of the second by the time that it hears the first, or it may close it unread.
    second.socket.write(GET);
    await second.until('"ok"');
    second.socket.write(HEAD);
    first.socket.write(POST);
    await begun.promise;

    let stopped = false;
    const stopping = api.stop().then(() => (stopped = true));
    second.socket.write(POST.slice(HEAD.length));

    expect(await second.ended).toMatch(/"ok"\}HTTP\/1\.1 503 .*Connection: close.*"code":"shutting_down"/s);
    const late = connect(port, '127.0.0.1');
    const [refused] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(refused.code).toBe('ECONNREFUSED');
    expect(stopped).toBe(false);

    insertion.resolve(undefined);
    expect(await first.ended).toMatch(/^HTTP\/1\.1 201 .*Connection: close/s);
    await stopping;
  });
});
