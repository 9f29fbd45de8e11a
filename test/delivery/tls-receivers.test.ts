import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createServer, getCACertificates, setDefaultCACertificates, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answer, answerAndClose, drip, flood, OK, onRequest, type Behaviour } from '../support/hostile-behaviours.ts';
import { startTcpReceiver } from '../support/receiver.ts';
import { callAll, openDelivery } from './under-test.ts';

const DEADLINE_MS = 300;

const pem = (name: string) => readFileSync(new URL(`certificates/${name}.pem`, import.meta.url), 'utf8');
const trustedBefore = getCACertificates('default');

beforeAll(() => setDefaultCACertificates(['localhost', 'other-host', 'expired'].map(pem)));
afterAll(() => setDefaultCACertificates(trustedBefore));

/** Speaks TLS with that certificate, and then behaves so. */
const withCertificate = (certificate: string, behave: Behaviour): Behaviour => {
  const server = createServer({ key: pem('key'), cert: pem(certificate) }, behave);
  server.on('tlsClientError', () => {});
  return (socket) => void server.emit('connection', socket);
};

const refused = (code: string) => ({
  kind: 'retry',
  httpStatus: null,
  error: { code: 'tls_error', message: `The TLS handshake failed (${code}).` },
  verdict: 'unreachable',
  maybeSent: false,
});
const timedOut = (stage: string, maybeSent: boolean) => ({
  kind: 'retry',
  httpStatus: null,
  error: { code: 'timeout', message: `Timed out ${stage}.` },
  verdict: 'unreachable',
  maybeSent,
});
const reset = { kind: 'retry', error: { code: 'connection_reset' }, maybeSent: false };
const delivered = { kind: 'delivered', httpStatus: 200 };

const receivers: { name: string; behave: Behaviour; expected: object; isSlow?: boolean }[] = [
  {
    name: 'never answers the handshake',
    behave: () => {},
    expected: timedOut('in the TLS handshake', false),
    isSlow: true,
  },
  {
    name: 'drips its handshake',
    behave: drip('\x16\x03\x03\x3f\xff', '\x02'),
    expected: timedOut('in the TLS handshake', false),
    isSlow: true,
  },
  { name: 'resets in the handshake', behave: onRequest((socket) => socket.resetAndDestroy()), expected: reset },
  { name: 'closes in the handshake', behave: answerAndClose(''), expected: reset },
  { name: 'speaks plain HTTP', behave: answer(`${OK}\r\n`), expected: refused('ERR_SSL_WRONG_VERSION_NUMBER') },
  {
    name: 'has a certificate that nobody vouches for',
    behave: withCertificate('unknown', () => {}),
    expected: refused('DEPTH_ZERO_SELF_SIGNED_CERT'),
  },
  {
    name: 'has a certificate for another host',
    behave: withCertificate('other-host', () => {}),
    expected: refused('ERR_TLS_CERT_ALTNAME_INVALID'),
  },
  {
    name: 'has a certificate that ran out',
    behave: withCertificate('expired', () => {}),
    expected: refused('CERT_HAS_EXPIRED'),
  },
  {
    name: 'offers nothing newer than TLS 1.1',
    behave: (socket: Socket) => {
      const options = { key: pem('key'), cert: pem('localhost'), minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const;
      new TLSSocket(socket, { ...options, isServer: true, ciphers: 'DEFAULT@SECLEVEL=0' }).on('error', () => {});
    },
    expected: { kind: 'retry', error: { code: 'tls_error' }, maybeSent: false },
  },
  {
    name: 'accepts a request and never answers',
    behave: withCertificate('localhost', () => {}),
    expected: timedOut('waiting for the answer', true),
    isSlow: true,
  },
  {
    name: 'has an endless body',
    behave: withCertificate('localhost', flood(`${OK}\r\n`, Buffer.alloc(65536, 'a'))),
    expected: delivered,
  },
  {
    name: 'answers as it should',
    behave: withCertificate('localhost', answer(`${OK}content-length: 0\r\n\r\n`)),
    expected: delivered,
  },
];

describe('over TLS, a receiver that', () => {
  it.each(receivers)('$name', async ({ behave, expected, isSlow = false }) => {
    await using receiver = await startTcpReceiver(behave);
    await using delivery = openDelivery({ timeoutMs: DEADLINE_MS });
    const begun = performance.now();

    const outcome = await delivery.perform({ url: `https://localhost:${receiver.port}/` });

    expect(outcome).toMatchObject(expected);
    expect(performance.now() - begun).toBeLessThan(isSlow ? DEADLINE_MS + 1000 : DEADLINE_MS);
  });

  it('has a certificate for its address may be called by it', async () => {
    await using receiver = await startTcpReceiver(
      withCertificate('localhost', answer(`${OK}content-length: 0\r\n\r\n`)),
    );
    await using delivery = openDelivery();

    expect(await delivery.perform({ url: `https://127.0.0.1:${receiver.port}/` })).toMatchObject(delivered);
    expect(await delivery.perform({ url: `https://127.0.0.2:${receiver.port}/` })).toMatchObject({ kind: 'retry' });
  });

  it('has a wrong certificate is refused, whatever the environment says', async () => {
    await using receiver = await startTcpReceiver(withCertificate('unknown', answer(`${OK}\r\n`)));
    const targets = [{ url: `https://localhost:${receiver.port}/`, bodyBytes: 0 }];

    const { outcomes } = await callAll({ targets, timeoutMs: 2000 }, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });

    expect(outcomes).toMatchObject([refused('DEPTH_ZERO_SELF_SIGNED_CERT')]);
  });
});
