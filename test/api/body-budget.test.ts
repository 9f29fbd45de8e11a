import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createBodyBudget, type BodyBudget } from '../../src/api/body-budget.ts';
import type { Problem } from '../../src/api/problem.ts';
import { readJson } from '../../src/api/read-json.ts';
import { eventually } from '../support/eventually.ts';
import { apiUnderTest, HOOK } from './api-under-test.ts';

const MIB = 1024 * 1024;
const LARGEST = 8 * MIB;
const SMALL = 64 * 1024;
/** All that fit at a time. */
const LARGEST_AT_A_TIME = 6;

/** A request whose body is as long as it says, or of a length that it does not say. */
function reading(bodies: BodyBudget, announced?: number) {
  const body = new PassThrough();
  const headers = {
    'content-type': 'application/json',
    ...(announced === undefined ? {} : { 'content-length': String(announced) }),
  };
  const read = readJson(Object.assign(body, { headers }) as never, { maxBytes: LARGEST, bodies });
  const outcome = read.then(
    () => 'read',
    (error: unknown) => (error as Problem).code,
  );
  return {
    outcome,
    /** So many bytes of white space, as they would come from a socket. */
    send: async (bytes: number) => {
      for (let left = bytes; left > 0; left -= SMALL) {
        if (!body.write(Buffer.alloc(Math.min(left, SMALL), ' '))) await once(body, 'drain');
        await nextTurn();
      }
    },
    end: () => void body.end('1'),
    leave: () => void body.destroy(new Error('The client left.')),
  };
}

type Reading = ReturnType<typeof reading>;

/** As many of the largest bodies as fit, but for their last byte. */
async function full(bodies: BodyBudget): Promise<Reading[]> {
  const held = Array.from({ length: LARGEST_AT_A_TIME }, () => reading(bodies, LARGEST));
  for (const { send } of held) await send(LARGEST - 1);
  return held;
}

describe('bodies that are being read', () => {
  it('are refused one more than fits, and all that fit are read', async () => {
    const bodies = createBodyBudget();
    const held = await full(bodies);
    const further = reading(bodies, LARGEST);

    await further.send(1);

    expect(await further.outcome).toBe('overloaded');
    for (const { end } of held) end();
    expect(await Promise.all(held.map(({ outcome }) => outcome))).toEqual(held.map(() => 'read'));
  });

  it.each<[string, (held: Reading[]) => void]>([
    ['have been read', (held) => held.forEach(({ end }) => end())],
    ['are broken off', (held) => held.forEach(({ leave }) => leave())],
  ])('make room for as many others once they %s', async (_name, finish) => {
    const bodies = createBodyBudget();
    const held = await full(bodies);
    finish(held);
    await Promise.all(held.map(({ outcome }) => outcome));

    const others = await full(bodies);

    for (const { end } of others) end();
    expect(await Promise.all(others.map(({ outcome }) => outcome))).toEqual(others.map(() => 'read'));
  });

  it('make room once they are refused', async () => {
    const bodies = createBodyBudget();
    const held = await full(bodies);
    held[0]?.leave();
    await held[0]?.outcome;
    const refused = reading(bodies);
    await refused.send(LARGEST + 1);
    expect(await refused.outcome).toBe('too_large');

    const further = reading(bodies, LARGEST);
    await further.send(LARGEST - 1);

    further.end();
    expect(await further.outcome).toBe('read');
  });

  it('leave room for small ones, which do not take theirs', async () => {
    const bodies = createBodyBudget();
    const large = Array.from({ length: LARGEST_AT_A_TIME }, () => reading(bodies, LARGEST));
    for (const { send } of large) await send(SMALL);
    const small = Array.from({ length: 200 }, () => reading(bodies, SMALL));

    for (const { send } of small) await send(SMALL - 1);
    for (const { send } of large) await send(LARGEST - SMALL - 1);

    const all = [...large, ...small];
    for (const { end } of all) end();
    expect(await Promise.all(all.map(({ outcome }) => outcome))).toEqual(all.map(() => 'read'));
  });

  it('are counted whether they say how long they are or not', async () => {
    const bodies = createBodyBudget();
    const held = Array.from({ length: LARGEST_AT_A_TIME }, () => reading(bodies));
    for (const { send } of held) await send(LARGEST - 1);
    const further = reading(bodies);

    await further.send(2 * SMALL);

    expect(await further.outcome).toBe('overloaded');
  });

  it('are never refused when they come in one piece', async () => {
    const bodies = createBodyBudget();
    bodies.take(48 * MIB, LARGEST);
    bodies.take(16 * MIB, SMALL);
    const whole = reading(bodies, 1);

    whole.end();

    expect(await whole.outcome).toBe('read');
  });
});

describe('a replica that is sent more than it can hold', () => {
  const apis: ReturnType<typeof apiUnderTest>[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const api of apis.splice(0)) await api.stop();
  });

  async function listening() {
    const api = apiUnderTest();
    await api.start();
    apis.push(api);
    return api;
  }

  async function send(api: { address(): { port: number } }, head: string) {
    const socket = connect(api.address().port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    const state = { received: '' };
    socket.on('data', (chunk: Buffer) => (state.received += chunk.toString()));
    await once(socket, 'connect');
    socket.write(`${head}\r\nHost: localhost\r\n`);
    return { socket, state };
  }

  it('refuses batches with 503, takes timers all the same, and batches again when it has read those that it held', async () => {
    const api = await listening();
    const batch = `{"timers":[]${' '.repeat(LARGEST - 13)}`;
    const open = () => send(api, 'POST /timers/batch HTTP/1.1\r\nContent-Type: application/json');
    const many = await Promise.all(Array.from({ length: 10 }, open));
    for (const { socket } of many) socket.write(`Content-Length: ${LARGEST}\r\n\r\n${batch}`);

    const refused = () => many.filter(({ state }) => state.received !== '');
    await eventually(() => refused().length === many.length - LARGEST_AT_A_TIME);
    for (const { state } of refused()) {
      expect(state.received).toMatch(/^HTTP\/1\.1 503 .*Retry-After: 1\r\n.*"code":"overloaded"/s);
    }
    const body = JSON.stringify({ seconds: 1, url: HOOK });
    const timer = await send(api, 'POST /timers HTTP/1.1\r\nContent-Type: application/json');
    timer.socket.write(`Content-Length: ${body.length}\r\n\r\n`);
    timer.socket.write(body.slice(0, 10), () => setImmediate(() => timer.socket.write(body.slice(10))));
    await eventually(() => timer.state.received.startsWith('HTTP/1.1 201'));

    for (const { socket } of many) socket.write('}');
    await eventually(() => many.filter(({ state }) => state.received.startsWith('HTTP/1.1 200')).length === 6);
    const after = await open();
    after.socket.write(`Content-Length: ${LARGEST}\r\n\r\n${batch}}`);
    await eventually(() => after.state.received.startsWith('HTTP/1.1 200'));
  });

  it('refuses imports with 503 and tells that nothing was stored, but not a short one', async () => {
    const api = await listening();
    const open = async (length: string) => {
      const opened = await send(api, 'POST /timers/import HTTP/1.1\r\nContent-Type: application/x-ndjson');
      opened.socket.write(`${length}\r\nExpect: 100-continue\r\n\r\n`);
      await eventually(() => opened.state.received !== '');
      return opened;
    };
    const line = `${JSON.stringify({ delay: '1h', url: HOOK })}\n`;
    const held = [];
    while (held.length < 38) held.push(await open('Transfer-Encoding: chunked'));

    const further = await open('Transfer-Encoding: chunked');
    await eventually(() => further.state.received.includes('last_committed_line'));
    expect(further.state.received).toMatch(/^HTTP\/1\.1 503 .*"code":"overloaded".*"last_committed_line":0/s);
    const short = await open(`Content-Length: ${line.length}`);
    short.socket.write(line);
    await eventually(() => short.state.received.includes('"created":1'));

    const [left, ended] = held;
    left?.socket.destroy();
    ended?.socket.write('0\r\n\r\n');
    await eventually(() => ended?.state.received.includes('"created":0') === true);
    const next = [await open('Transfer-Encoding: chunked'), await open('Transfer-Encoding: chunked')];
    for (const { socket } of next) socket.write(`${line.length.toString(16)}\r\n${line}\r\n0\r\n\r\n`);
    await eventually(() => next.every(({ state }) => state.received.includes('"created":1')));
  });
});
