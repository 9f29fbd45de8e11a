import { describe, expect, it } from '@jest/globals';
import { createAddressPolicy } from '../../src/delivery/address-policy.ts';
import { createConnectionPool } from '../../src/delivery/connection-pool.ts';
import { createConnector } from '../../src/delivery/connector.ts';
import { createTargetGate } from '../../src/delivery/target-gate.ts';
import { createWebhookAction } from '../../src/delivery/webhook-action.ts';
import { systemClock } from '../../src/platform/index.ts';
import { startHttpReceiver } from '../support/receiver.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { T0 } from '../support/timers.ts';
import { aClaimedTimer, openDelivery, STORE_NOW } from './under-test.ts';

describe('the status of an answer', () => {
  it.each([200, 201, 202, 204, 206, 299])('%i is success', async (status) => {
    await using receiver = await startHttpReceiver((response) => response.writeHead(status).end());
    await using delivery = openDelivery();

    expect(await delivery.perform({ url: receiver.url })).toEqual({
      kind: 'delivered',
      error: null,
      httpStatus: status,
      answer: null,
    });
  });

  it.each([300, 304, 400, 401, 403, 404, 405, 408, 409, 413, 422, 425, 429, 500, 501, 502, 503, 504, 599])(
    '%i is worth another try',
    async (status) => {
      await using receiver = await startHttpReceiver((response) => response.writeHead(status).end());
      await using delivery = openDelivery();

      expect(await delivery.perform({ url: receiver.url })).toEqual({
        kind: 'retry',
        error: { code: `http_${status}`, message: `The receiver answered with status ${status}.` },
        verdict: [429, 502, 503, 504].includes(status) ? 'overloaded' : 'answered',
        retryAfterMs: null,
        maybeSent: true,
        httpStatus: status,
        answer: null,
      });
    },
  );

  it('410 asks never to be called again', async () => {
    await using receiver = await startHttpReceiver((response) => response.writeHead(410).end());
    await using delivery = openDelivery();

    expect(await delivery.perform({ url: receiver.url })).toMatchObject({
      kind: 'rejected',
      reason: 'gone',
      verdict: 'answered',
      httpStatus: 410,
    });
  });
});

describe('Retry-After', () => {
  it.each([
    ['0', null],
    ['1', 1000],
    ['120', 120_000],
    [' 7 ', 7000],
    ['4000000000', 4_000_000_000_000],
    ['-5', null],
    ['1.5', null],
    ['1e3', null],
    ['soon', null],
    ['', null],
    ['2027-01-15T08:01:00Z', null],
    [new Date(T0 + 60_000).toUTCString(), 60_000],
    ['Friday, 15-Jan-27 08:01:00 GMT', 60_000],
    [new Date(T0 - 60_000).toUTCString(), null],
    ['Fri, 99 Foo 2027 08:01:00 GMT', null],
    ['Fri Jan 15 08:01:00 2027', null],
  ])('%j asks for a wait of %s ms', async (value, expected) => {
    await using receiver = await startHttpReceiver((response) =>
      response.writeHead(503, { 'retry-after': value }).end(),
    );
    await using delivery = openDelivery({ clock: createManualClock(T0) });

    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ kind: 'retry', retryAfterMs: expected });
  });
});

const noneAhead = { prepare: () => undefined, close: () => undefined };

describe('the text of an answer', () => {
  /** One attempt whose connection passes for one to a public address, as no test can have one. */
  async function answerKept(body: string | Buffer, status = 500): Promise<string | null> {
    await using receiver = await startHttpReceiver((response) => response.writeHead(status).end(body));
    const policy = createAddressPolicy({ allowedNetworks: [], allowLoopback: true, ownPorts: () => [] });
    const pool = createConnectionPool();
    const connect = createConnector({ policy, pool, clock: systemClock, resolve: () => Promise.resolve([]) });
    const { action } = createWebhookAction({
      timeoutMs: 2000,
      maxTimeoutMs: 2000,
      concurrencyPerHost: 1,
      signingSecrets: [],
      gate: createTargetGate({ policy }),
      pool,
      connect: async (target, options) => ({ ...(await connect(target, options)), isPublic: true }),
      dialAhead: noneAhead,
      clock: systemClock,
      storeNow: () => STORE_NOW,
      userAgent: 'Punctual/test',
      onBug: () => undefined,
    });
    const outcome = await action.perform(
      aClaimedTimer({ url: receiver.url }),
      new AbortController().signal,
      () => true,
    );
    return 'answer' in outcome ? outcome.answer : null;
  }

  it('is kept when it came from a public address', async () => {
    expect(await answerKept('Out of stock: café ☕')).toBe('Out of stock: café ☕');
    expect(await answerKept('thanks', 200)).toBe('thanks');
  });

  it('is never kept when it came from our own network', async () => {
    await using receiver = await startHttpReceiver((response) => response.writeHead(500).end('internal secret'));
    await using delivery = openDelivery();

    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ httpStatus: 500, answer: null });
  });

  it('is null where there is none', async () => {
    expect(await answerKept('')).toBeNull();
  });

  it('ends after 1,024 bytes, and not within a character', async () => {
    expect(await answerKept('a'.repeat(100_000))).toBe('a'.repeat(1024));
    expect(await answerKept('a' + '☕'.repeat(1000))).toBe('a' + '☕'.repeat(341));
  });

  it('is valid text without control characters, whatever came', async () => {
    expect(await answerKept(Buffer.from([0x61, 0xff, 0xfe, 0x62]))).toBe('a\ufffd\ufffdb');
    expect(await answerKept('a\r\nb\tc\n')).toBe('a\nb\tc\n');
    expect(await answerKept('\0\x1b[31mred\x7f\u0085')).toBe('\ufffd\ufffd[31mred\ufffd\ufffd');
  });
});

describe('a call for which we have no socket', () => {
  it.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL'])('was not begun (%s)', async (code) => {
    const action = createWebhookAction({
      timeoutMs: 1000,
      maxTimeoutMs: 1000,
      concurrencyPerHost: 1,
      signingSecrets: [],
      gate: createTargetGate({
        policy: createAddressPolicy({ allowedNetworks: [], allowLoopback: true, ownPorts: () => [] }),
      }),
      pool: createConnectionPool(),
      connect: () => Promise.reject(Object.assign(new Error('connect'), { code })),
      dialAhead: noneAhead,
      clock: systemClock,
      storeNow: () => STORE_NOW,
      userAgent: 'Punctual/test',
      onBug: () => undefined,
    }).action;

    const timer = aClaimedTimer({ url: 'http://127.0.0.1:9000/' });
    expect(await action.perform(timer, new AbortController().signal, () => true)).toEqual({
      kind: 'not_begun',
      error: { code: 'no_socket', message: `This replica can open no connection (${code}).` },
    });
  });
});
