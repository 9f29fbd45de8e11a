import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import type { ClaimedTimer } from '../../src/timers/index.ts';
import { answer, answerAndClose, answerAndReset, drip, flood, OK, onRequest } from '../support/hostile-behaviours.ts';
import { startTcpReceiver } from '../support/receiver.ts';
import { callAll, openDelivery } from './under-test.ts';

const DEADLINE_MS = 300;
const RSS_GROWTH_ALLOWED = 50 * 1024 * 1024;

interface Hostility {
  name: string;
  /** What it does with its first connection; every further one is answered properly. */
  behave: (socket: Socket) => void;
  timer?: Partial<ClaimedTimer>;
  expected: { kind: string; code?: string | RegExp; message?: string; status?: number | null; maybeSent?: boolean };
  /** Whether the first connection may serve the next request; one in doubt may not. */
  isReused?: boolean;
  /** Whether it keeps us waiting until the deadline. */
  isSlow?: boolean;
}

const LONG_BODY = new Uint8Array(8 * 1024 * 1024);
const GZIP_BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024));

const delivered = { kind: 'delivered', status: 200 };
const timedOut = (stage: string, maybeSent = true) => ({
  kind: 'retry',
  code: 'timeout',
  message: `Timed out ${stage}.`,
  status: null,
  maybeSent,
});
const reset = { kind: 'retry', code: 'connection_reset', status: null };
const invalid = { kind: 'retry', code: 'invalid_response', status: null, maybeSent: true };
const failed = (status: number) => ({ kind: 'retry', code: `http_${status}`, status, maybeSent: true });

const receivers: Hostility[] = [
  { name: 'accepts and never answers', behave: () => {}, expected: timedOut('waiting for the answer'), isSlow: true },
  {
    name: 'never reads a long request',
    behave: (socket) => void socket.pause(),
    timer: { body: LONG_BODY, bodyBytes: LONG_BODY.length },
    expected: timedOut('waiting for the answer'),
    isSlow: true,
  },
  { name: 'resets on accept', behave: (socket) => void socket.resetAndDestroy(), expected: reset },
  { name: 'closes on accept', behave: (socket) => void socket.end(), expected: reset },
  {
    name: 'resets during the request',
    behave: onRequest((socket) => socket.resetAndDestroy()),
    timer: { body: LONG_BODY, bodyBytes: LONG_BODY.length },
    expected: { ...reset, maybeSent: true },
  },
  {
    name: 'resets after the request',
    behave: onRequest((socket) => socket.resetAndDestroy()),
    expected: { ...reset, maybeSent: true },
  },
  { name: 'closes after the request', behave: answerAndClose(''), expected: { ...reset, maybeSent: true } },
  {
    name: 'resets within the status line',
    behave: answerAndReset('HTTP/1.1 20'),
    expected: { ...reset, maybeSent: true },
  },
  { name: 'resets in the headers', behave: answerAndReset(`${OK}content-le`), expected: { ...reset, maybeSent: true } },
  {
    name: 'closes in the headers',
    behave: answerAndClose(`${OK}content-length: 5\r\n`),
    expected: { kind: 'retry', code: /^(connection_reset|invalid_response)$/ },
  },
  {
    name: 'resets in the body of a success',
    behave: answerAndReset(`${OK}content-length: 9\r\n\r\nabc`),
    expected: delivered,
  },
  {
    name: 'resets in the body of a failure',
    behave: answerAndReset('HTTP/1.1 500 Oh\r\ncontent-length: 9\r\n\r\nabc'),
    expected: failed(500),
  },
  {
    name: 'drips its status line',
    behave: drip('HTTP/1.1 200 ', 'O'),
    expected: timedOut('reading the answer'),
    isSlow: true,
  },
  { name: 'drips one header', behave: drip(`${OK}x: `, 'a'), expected: timedOut('reading the answer'), isSlow: true },
  { name: 'drips headers', behave: drip(OK, 'a: b\r\n'), expected: timedOut('reading the answer'), isSlow: true },
  { name: 'drips empty lines', behave: drip('', '\r\n'), expected: timedOut('waiting for the answer'), isSlow: true },
  {
    name: 'drips the body of a success',
    behave: drip(`${OK}content-length: 99999\r\n\r\n`, 'a'),
    expected: delivered,
    isSlow: true,
  },
  {
    name: 'drips the body of a failure',
    behave: drip('HTTP/1.1 503 No\r\ncontent-length: 99999\r\n\r\n', 'a'),
    expected: failed(503),
    isSlow: true,
  },
  {
    name: 'drips interim answers',
    behave: drip('', 'HTTP/1.1 103 Early\r\n\r\n'),
    expected: timedOut('reading the answer'),
    isSlow: true,
  },
  { name: 'has an endless body', behave: flood(`${OK}\r\n`, Buffer.alloc(65536, 'a')), expected: delivered },
  {
    name: 'has an endless body in chunks',
    behave: flood(`${OK}transfer-encoding: chunked\r\n\r\n`, `8000\r\n${'a'.repeat(0x8000)}\r\n`),
    expected: delivered,
  },
  {
    name: 'has an endless body after a failure',
    behave: flood('HTTP/1.1 502 Bad\r\n\r\n', Buffer.alloc(65536, 'a')),
    expected: failed(502),
  },
  {
    name: 'has an endless chunk extension',
    behave: flood(`${OK}transfer-encoding: chunked\r\n\r\n1;`, 'a'.repeat(65536)),
    expected: delivered,
  },
  {
    name: 'has endless trailers',
    behave: flood(`${OK}transfer-encoding: chunked\r\n\r\n0\r\n`, 'a: b\r\n'.repeat(1000)),
    expected: delivered,
  },
  { name: 'has an endless reason phrase', behave: flood('HTTP/1.1 200 ', 'a'.repeat(65536)), expected: invalid },
  { name: 'has an endless header', behave: flood(`${OK}x: `, 'a'.repeat(65536)), expected: invalid },
  { name: 'has a header of 17 KiB', behave: answer(`${OK}x: ${'a'.repeat(17 * 1024)}\r\n\r\n`), expected: invalid },
  { name: 'has endless headers', behave: flood(OK, 'name: value\r\n'.repeat(1000)), expected: invalid },
  { name: 'has thousands of headers', behave: answer(`${OK}${'n: v\r\n'.repeat(9000)}\r\n`), expected: invalid },
  {
    name: 'floods with interim answers',
    behave: flood('', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(500)),
    expected: invalid,
  },
  {
    name: 'floods with interim answers that have headers',
    behave: flood('', `HTTP/1.1 102 Processing\r\n${'a: b\r\n'.repeat(100)}\r\n`.repeat(20)),
    expected: invalid,
  },
  {
    name: 'floods with 100 Continue',
    behave: flood('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(500)),
    expected: invalid,
  },
  { name: 'floods with empty lines', behave: flood('', '\r\n'.repeat(30_000)), expected: invalid },
  {
    name: 'switches protocols unasked',
    behave: answer('HTTP/1.1 101 Switch\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
    expected: invalid,
  },
  {
    name: 'sends a few interim answers first, as it may',
    behave: answer(
      `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}content-length: 0\r\n\r\n`,
    ),
    expected: delivered,
    isReused: true,
  },
  {
    name: 'closes after an interim answer',
    behave: answerAndClose('HTTP/1.1 103 Early Hints\r\n\r\n'),
    expected: { ...reset, maybeSent: true },
  },
  {
    name: 'promises more than it sends',
    behave: answerAndClose(`${OK}content-length: 100\r\n\r\nabc`),
    expected: delivered,
  },
  { name: 'sends more than it promised', behave: answer(`${OK}content-length: 3\r\n\r\nabcdef`), expected: delivered },
  { name: 'answers twice', behave: answer(`${OK}content-length: 0\r\n\r\n`.repeat(2)), expected: delivered },
  {
    name: 'gives two lengths',
    behave: answer(`${OK}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`),
    expected: invalid,
  },
  {
    name: 'gives a length and chunks',
    behave: answer(`${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`),
    expected: invalid,
  },
  { name: 'gives a negative length', behave: answer(`${OK}content-length: -1\r\n\r\n`), expected: invalid },
  {
    name: 'gives a length that is no number',
    behave: answer(`${OK}content-length: 3abc\r\n\r\nabc`),
    expected: invalid,
  },
  {
    name: 'gives a length beyond all bounds',
    behave: answer(`${OK}content-length: ${'9'.repeat(40)}\r\n\r\n`),
    expected: invalid,
  },
  { name: 'gives a length of two numbers', behave: answer(`${OK}content-length: 3, 3\r\n\r\nabc`), expected: invalid },
  {
    name: 'sends a chunk size that is no number',
    behave: answer(`${OK}transfer-encoding: chunked\r\n\r\nZZ\r\nabc`),
    expected: delivered,
  },
  {
    name: 'sends a chunk size beyond all bounds',
    behave: answer(`${OK}transfer-encoding: chunked\r\n\r\n${'F'.repeat(40)}\r\nabc`),
    expected: delivered,
  },
  {
    name: 'sends a chunk longer than it said',
    behave: answer(`${OK}transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n`),
    expected: delivered,
  },
  {
    name: 'ends its chunks without the last one',
    behave: answerAndClose(`${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n`),
    expected: delivered,
  },
  {
    name: 'sends a body where none belongs',
    behave: answer('HTTP/1.1 204 No\r\ncontent-length: 3\r\n\r\nabc'),
    expected: { kind: 'delivered', status: 204 },
  },
  {
    name: 'sends a gzip bomb',
    behave: answer(
      Buffer.concat([
        Buffer.from(`${OK}content-encoding: gzip\r\ncontent-length: ${GZIP_BOMB.length}\r\n\r\n`),
        GZIP_BOMB,
      ]),
    ),
    expected: delivered,
    isReused: true,
  },
  {
    name: 'claims a hundred content encodings',
    behave: answer(`${OK}content-encoding: ${'gzip, '.repeat(100)}br\r\ncontent-length: 3\r\n\r\nabc`),
    expected: delivered,
    isReused: true,
  },
  {
    name: 'answers before it has read the request',
    behave: (socket) => {
      socket.once('readable', () => socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n'));
    },
    timer: { body: LONG_BODY, bodyBytes: LONG_BODY.length },
    expected: failed(413),
  },
  { name: 'speaks HTTP/1.0 and closes', behave: answerAndClose('HTTP/1.0 200 OK\r\n\r\nhello'), expected: delivered },
  {
    name: 'says it will close and does not',
    behave: answer(`${OK}connection: close\r\ncontent-length: 0\r\n\r\n`),
    expected: delivered,
  },
  {
    name: 'asks never to be called again',
    behave: answer('HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n'),
    expected: { kind: 'rejected', code: 'http_410', status: 410 },
    isReused: true,
  },
  {
    name: 'has a status of its own making',
    behave: answer('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'),
    expected: failed(999),
    isReused: true,
  },
  ...[
    'HTP/1.1 200 OK',
    'HTTP/1.1 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 abc OK',
    'HTTP/1.1 -200 OK',
    'HTTP/9.9 200 OK',
    'HTTP/2 200',
    'HTTP 200 OK',
    '200 OK',
    'http/1.1 200 OK',
    ' HTTP/1.1 200 OK',
    'SSH-2.0-OpenSSH_9.2',
    '220 mail.example.com ESMTP',
    '+OK',
    '-ERR unknown command',
    '<html>',
    '{"ok":true}',
    '\x16\x03\x01\x00\x05',
    '\0\0\0\0',
  ].map((line) => ({
    name: `begins with ${JSON.stringify(line)}`,
    behave: answer(`${line}\r\n\r\n`),
    expected: invalid,
  })),
  ...['no colon', 'a b: c', 'a : b', ': b', 'a: b\0c', ' folded: x', 'a\0: b', 'ä: b'].map((line) => ({
    name: `has the header ${JSON.stringify(line)}`,
    behave: answer(`${OK}${line}\r\ncontent-length: 0\r\n\r\n`),
    expected: invalid,
  })),
];

describe('a receiver that', () => {
  it.each(receivers)('$name', async ({ behave, timer, expected, isReused = false, isSlow = false }) => {
    await using receiver = await startTcpReceiver((socket, connection) => {
      if (connection === 0) behave(socket);
      else socket.on('data', () => socket.write(`${OK}content-length: 0\r\n\r\n`));
    });
    await using delivery = openDelivery({ timeoutMs: DEADLINE_MS });
    const url = `http://127.0.0.1:${receiver.port}/`;
    const begun = performance.now();

    const outcome = await delivery.perform({ url, ...timer });
    const took = performance.now() - begun;

    expect(outcome.kind).toBe(expected.kind);
    if (expected.status !== undefined) expect(outcome).toMatchObject({ httpStatus: expected.status });
    if (expected.code !== undefined) expect(outcome.error?.code).toMatch(expected.code);
    if (expected.message !== undefined) expect(outcome.error?.message).toBe(expected.message);
    if (expected.maybeSent !== undefined) expect(outcome).toMatchObject({ maybeSent: expected.maybeSent });
    expect(took).toBeLessThan(isSlow ? DEADLINE_MS + 1000 : DEADLINE_MS);

    if (!isReused) {
      expect(await delivery.perform({ url, timeoutMs: 5000 })).toMatchObject({ kind: 'delivered' });
      expect(receiver.accepted()).toBe(2);
    }
  });

  it('refuses', async () => {
    const { port } = await startTcpReceiver(() => {}).then(async (receiver) => {
      await receiver[Symbol.asyncDispose]();
      return receiver;
    });
    await using delivery = openDelivery({ timeoutMs: DEADLINE_MS });

    expect(await delivery.perform({ url: `http://127.0.0.1:${port}/` })).toEqual({
      kind: 'retry',
      error: { code: 'connection_refused', message: 'The receiver refused the connection.' },
      verdict: 'unreachable',
      retryAfterMs: null,
      maybeSent: false,
      httpStatus: null,
      answer: null,
    });
  });
});

it('calling all of them at once makes a process grow by less than 50 MB', async () => {
  await using open = new AsyncDisposableStack();
  const targets = await Promise.all(
    receivers.map(async ({ behave, timer }) => {
      const { port } = open.use(await startTcpReceiver(behave));
      return { url: `http://127.0.0.1:${port}/`, bodyBytes: timer?.bodyBytes ?? 0 };
    }),
  );

  // In a process of its own: here the receivers and the test runner would be measured too.
  const { outcomes, growth } = await callAll({ targets, timeoutMs: DEADLINE_MS });

  expect(outcomes).toHaveLength(receivers.length);
  expect(growth).toBeLessThan(RSS_GROWTH_ALLOWED);
});
