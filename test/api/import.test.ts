import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import type { ApiDeps } from '../../src/api/index.ts';
import { Refusal, type Timer } from '../../src/timers/index.ts';
import { eventually } from '../support/eventually.ts';
import { apiUnderTest, HOOK, memoryStore } from './api-under-test.ts';
import { describeOnStores } from './on-stores.ts';

interface Report {
  created: number;
  changed: number;
  replayed: number;
  refused: number;
  errors: { line: number; code: string; message: string }[];
}

const line = (over: object = {}) => JSON.stringify({ delay: '1h', url: HOOK, ...over });
const lines = (count: number) => `${line()}\n`.repeat(count);

describeOnStores('POST /timers/import', (opened) => {
  const post = (body: string | Buffer) =>
    request(opened().api().app)
      .post('/timers/import')
      .type('application/x-ndjson')
      .serialize((raw: unknown) => raw as string)
      .send(body);

  it('makes a timer of every line that is in order, and tells of the others by their numbers', async () => {
    const before = await opened().count();
    const body = Buffer.concat(
      [
        line({ label: 'grüße' }),
        '',
        '{"url":',
        line({ seconds: 1 }),
        ' \t',
        `${line()}\r`,
        line({ body_text: 'x'.repeat(130 * 1024) }),
        '[]',
        Buffer.from([0x22, 0xff, 0x22]),
        line(),
      ].flatMap((text, index) => [Buffer.from(index === 0 ? '' : '\n'), Buffer.from(text)]),
    );

    const answer = await post(body);

    expect(answer.status).toBe(200);
    const report = answer.body as Report;
    expect(report).toMatchObject({ created: 3, changed: 0, replayed: 0, refused: 5 });
    expect(report.errors.map(({ line, code }) => [line, code])).toEqual([
      [3, 'malformed_json'],
      [4, 'invalid_request'],
      [7, 'too_large'],
      [8, 'invalid_request'],
      [9, 'malformed_json'],
    ]);
    expect(report.errors[1]?.message).toContain('"delay" says when a second time');
    expect((await opened().count()) - before).toBe(3);
  });

  it('makes thousands, and tells of the first thousand errors', async () => {
    const before = await opened().count();

    const answer = await post(`${lines(1500)}{}\n`.repeat(3) + '{}\n'.repeat(1500));
    const body = answer.body as Report;

    expect(body).toMatchObject({ created: 4500, refused: 1503 });
    const numbers = body.errors.map((error) => error.line);
    expect(numbers).toHaveLength(1000);
    expect(numbers.slice(0, 4)).toEqual([1501, 3002, 4503, 4504]);
    expect((await opened().count()) - before).toBe(4500);
  });

  it('can be sent again where its lines have keys', async () => {
    const body = Array.from({ length: 1200 }, (_, index) =>
      line(index % 2 === 0 ? { idempotency_key: `import ${index}` } : { key: `import/${index}` }),
    ).join('\n');
    expect((await post(body)).body).toMatchObject({ created: 1200 });
    const before = await opened().count();

    expect((await post(body)).body).toEqual({ created: 0, changed: 600, replayed: 600, refused: 0, errors: [] });

    expect(await opened().count()).toBe(before);
  });

  it('is refused with an idempotency key for the whole', async () => {
    const before = await opened().count();

    const answer = await post(lines(3)).set('Idempotency-Key', 'a');

    expect([answer.status, answer.body]).toMatchObject([
      422,
      { code: 'invalid_request', detail: 'In an import every timer has an "idempotency_key" of its own.' },
    ]);
    expect(await opened().count()).toBe(before);
  });

  it('of nothing makes nothing', async () => {
    expect((await post('')).body).toEqual({ created: 0, changed: 0, replayed: 0, refused: 0, errors: [] });
  });
});

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

/** A listening API, an import that is open, and what was armed on the clock. */
async function openImport(over: Partial<ApiDeps> = {}) {
  const armed: { ms: number; callback: () => void }[] = [];
  const { clock } = { clock: { now: () => 0, monotonic: () => performance.now() } };
  const api = apiUnderTest({
    ...over,
    clock: {
      ...clock,
      after(ms, callback) {
        const call = { ms, callback };
        armed.push(call);
        return () => void armed.splice(armed.indexOf(call), 1);
      },
    },
  });
  await api.start();
  const client = httpRequest({
    port: api.address().port,
    path: '/timers/import',
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
  });
  close = async () => {
    client.destroy();
    await api.stop();
  };
  const closed = new Promise<void>((resolve) => client.once('close', resolve));
  const answer = new Promise<{ status: number | undefined; body: Record<string, unknown>; connection: unknown }>(
    (resolve, reject) => {
      client.once('error', reject);
      client.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('end', () => {
          const { statusCode: status, headers } = response;
          resolve({ status, body: JSON.parse(text) as Record<string, unknown>, connection: headers.connection });
        });
      });
    },
  );
  answer.catch(() => undefined);
  return { api, armed, client, answer, closed };
}

/** A store of which a test says when it answers. */
function slowStore() {
  const store = memoryStore();
  const calls: { timers: Timer[]; resolve: () => void; reject: (error: Error) => void }[] = [];
  const insert = (timers: Timer[]) =>
    new Promise<void>((resolve, reject) => {
      calls.push({ timers, resolve, reject });
    });
  return { store: { ...store, insert }, calls };
}

const unavailable = new Refusal('store_unavailable', 'The database is not available.');

describe('An import', () => {
  it('reads no further than it can store, whatever the client would send', async () => {
    const { store, calls } = slowStore();
    const { client, answer } = await openImport({ store });
    // Far more than the sockets between us hold.
    const piece = `${line({ body_text: 'x'.repeat(10_000) })}\n`.repeat(100);
    let sent = 0;
    const send = () => {
      while (sent < 64) {
        sent += 1;
        if (!client.write(piece)) return;
      }
      client.end();
    };
    client.on('drain', send);
    send();
    let before = -1;
    await eventually(async () => {
      const isStill = sent === before && calls.length === 2;
      before = sent;
      await new Promise((resolve) => setImmediate(resolve));
      return isStill;
    });

    expect(sent).toBeLessThan(32);

    let isAnswered = false;
    const storing = eventually(() => {
      for (const { resolve } of calls.splice(0)) resolve();
      return isAnswered;
    }, 20_000);
    expect(await answer).toMatchObject({ status: 200, body: { created: 6400 } });
    isAnswered = true;
    await storing;
  });

  it('has two batches stored side by side, but none with keys beside another', async () => {
    const { store, calls } = slowStore();
    let keyed = 0;
    const insertKeyed: typeof store.insertKeyed = (entries) => {
      keyed += entries.length;
      return store.insertKeyed(entries);
    };
    const { client, answer } = await openImport({ store: { ...store, insertKeyed } });
    client.end(lines(2000) + `${line({ key: 'later' })}\n`.repeat(1000) + lines(100));
    await eventually(() => calls.length === 2);

    calls[1]?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect([calls.map(({ timers }) => timers.length), keyed]).toEqual([[1000, 1000], 0]);
    calls[0]?.resolve();
    await eventually(() => calls.length === 3);
    expect(keyed).toBe(1000);
    calls[2]?.resolve();

    expect((await answer).body).toMatchObject({ created: 2101, changed: 999 });
  });

  it('counts on no batch that was stored beside one that was not', async () => {
    const { store, calls } = slowStore();
    const { client, answer } = await openImport({ store });
    client.end(lines(2000));
    await eventually(() => calls.length === 2);

    calls[1]?.resolve();
    calls[0]?.reject(unavailable);

    expect(await answer).toMatchObject({ status: 503, body: { last_committed_line: 0 } });
  });

  it('tells how far it came when the store goes away', async () => {
    const { store, calls } = slowStore();
    const { client, answer } = await openImport({ store });
    client.write(`\n{}\n${lines(3)}`);
    await eventually(() => calls.length === 1);
    client.write(lines(2));
    calls[0]?.resolve();
    await eventually(() => calls.length === 2);
    client.write(lines(1));
    calls[1]?.reject(unavailable);
    client.write(lines(2000));

    expect(await answer).toMatchObject({
      status: 503,
      body: { code: 'store_unavailable', last_committed_line: 5 },
    });
    client.destroy();
  });

  it('is ended when no byte has come for 10 s, and tells how far it came', async () => {
    const { client, answer, armed, closed } = await openImport();
    client.write(`${lines(2)}{"url"`);
    await eventually(() => armed.length === 1);
    client.flushHeaders();
    await eventually(() => armed[0]?.ms === 10_000);
    await eventually(async () => {
      // The timer is armed anew with every piece; the last one waits for bytes that do not come.
      await new Promise((resolve) => setImmediate(resolve));
      return armed.length === 1;
    });

    armed[0]?.callback();

    expect(await answer).toMatchObject({ status: 408, body: { code: 'request_timeout' }, connection: 'close' });
    await closed;
  });

  it('may take longer than any other request', async () => {
    const { api, client, answer } = await openImport({ deadlines: { requestMs: 50 } });
    client.write(lines(1));
    await eventually(() => api.store.rows.size === 1);
    const later = performance.now() + 150;
    await eventually(() => performance.now() > later);

    client.end(lines(1));

    expect((await answer).body).toMatchObject({ created: 2 });
  });

  it('stores what has come although more is still to come', async () => {
    const { api, client, answer } = await openImport();
    client.write(`${lines(1)}${line().slice(0, 10)}`);

    await eventually(() => api.store.rows.size === 1);

    client.end(`${line().slice(10)}\n`);
    expect((await answer).body).toMatchObject({ created: 2 });
  });

  it('is ended by a replica that stops, and tells how far it came', async () => {
    const { api, client, answer } = await openImport();
    client.write(lines(3));
    await eventually(() => api.store.rows.size === 3);

    const stopped = api.stop();
    client.write(lines(1));

    expect(await answer).toMatchObject({ status: 503, body: { code: 'shutting_down', last_committed_line: 3 } });
    client.destroy();
    await stopped;
  });

  it('keeps what it has stored when the client leaves', async () => {
    const { api, client, closed, armed } = await openImport();
    client.write(lines(3));
    await eventually(() => api.store.rows.size === 3);

    client.destroy();
    await closed;

    await eventually(() => armed.length === 0);
    expect(api.store.rows.size).toBe(3);
  });

  it.each([
    ['JSON', { 'Content-Type': 'application/json' }],
    ['no type', { 'Content-Type': '' }],
    ['a compressed body', { 'Content-Type': 'application/x-ndjson', 'Content-Encoding': 'gzip' }],
  ])('refuses %s', async (_name, headers) => {
    const { app, store } = apiUnderTest();

    const answer = await request(app).post('/timers/import').set(headers).serialize(String).send(line());

    expect([answer.status, answer.body]).toMatchObject([415, { code: 'unsupported_media_type' }]);
    expect(store.rows.size).toBe(0);
  });
});
