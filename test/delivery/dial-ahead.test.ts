import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { OK } from '../support/hostile-behaviours.ts';
import { startTcpReceiver } from '../support/receiver.ts';
import { aClaimedTimer, openDelivery, STORE_NOW, type DeliveryUnderTest } from './under-test.ts';
import type { ClaimedTimer } from '../../src/timers/index.ts';

const DUE = Math.ceil(STORE_NOW) + 500;

/** Answers every request, and keeps in order what happens to it. */
async function startObservedReceiver() {
  const seen: string[] = [];
  const sockets: Socket[] = [];
  const receiver = await startTcpReceiver((socket, connection) => {
    seen.push(`connection ${connection}`);
    sockets.push(socket);
    socket.on('data', () => {
      seen.push(`request on ${connection}`);
      socket.write(`${OK}content-length: 0\r\n\r\n`);
    });
    socket.on('close', () => seen.push(`closed ${connection}`));
  });
  return Object.assign(receiver, { seen, sockets, url: `http://127.0.0.1:${receiver.port}/` });
}

function prepare(delivery: DeliveryUnderTest, timer: Partial<ClaimedTimer>): void {
  delivery.action.prepare?.(aClaimedTimer({ nextAttemptAt: DUE, ...timer }));
}

describe('a timer that is still to come', () => {
  it('has its connection opened before its instant, and goes out on it', async () => {
    await using receiver = await startObservedReceiver();
    await using delivery = openDelivery();

    prepare(delivery, { url: receiver.url });
    await eventually(() => receiver.seen.length === 1);
    await delay(20);
    expect(receiver.seen).toEqual(['connection 0']);
    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ kind: 'delivered' });

    expect(receiver.seen).toEqual(['connection 0', 'request on 0']);
  });

  it('needs none where one waits already', async () => {
    await using receiver = await startObservedReceiver();
    await using delivery = openDelivery();
    await delivery.perform({ url: receiver.url });

    prepare(delivery, { url: receiver.url });
    await delay(50);

    expect(receiver.seen).toEqual(['connection 0', 'request on 0']);
  });

  it('has one with others of the same origin, and up to eight with those of the same instant', async () => {
    await using apart = await startObservedReceiver();
    await using together = await startObservedReceiver();
    await using delivery = openDelivery();

    for (let n = 0; n < 20; n++) prepare(delivery, { url: apart.url, nextAttemptAt: DUE + n });
    for (let n = 0; n < 20; n++) prepare(delivery, { url: together.url });
    await eventually(() => together.seen.length >= 8 && apart.seen.length >= 1);
    await delay(50);

    expect(apart.seen).toHaveLength(1);
    expect(together.seen).toHaveLength(8);
  });

  it('has none where it goes out at most once, where its time has nearly come, and where its address is forbidden', async () => {
    await using receiver = await startObservedReceiver();
    await using delivery = openDelivery();
    await using guarded = openDelivery({ allowLoopback: false });

    prepare(delivery, { url: receiver.url, delivery: 'at_most_once' });
    prepare(delivery, { url: receiver.url, nextAttemptAt: Math.ceil(STORE_NOW) + 10 });
    prepare(guarded, { url: receiver.url });
    prepare(guarded, { url: `http://localhost:${receiver.port}/` });
    prepare(delivery, { url: 'no url' });
    await delay(100);

    expect(receiver.seen).toEqual([]);
  });

  it('shares 128 connections in all with those to other hosts, and the next come when these are used', async () => {
    await using receiver = await startObservedReceiver();
    await using delivery = openDelivery({ lookup: () => Promise.resolve(['127.0.0.1']) });
    const urlOf = (n: number) => `http://host-${n}.example.com:${receiver.port}/`;

    for (let n = 0; n < 200; n++) prepare(delivery, { url: urlOf(n) });
    await eventually(() => receiver.sockets.length >= 128);
    await delay(50);
    expect(receiver.sockets).toHaveLength(128);

    await delivery.perform({ url: urlOf(0) });
    prepare(delivery, { url: urlOf(200) });
    prepare(delivery, { url: urlOf(201) });
    await eventually(() => receiver.sockets.length >= 129);
    await delay(50);
    expect(receiver.sockets).toHaveLength(129);
  });

  it('is tried as ever where no connection came about, for which a host is bothered eight times a second at the most', async () => {
    let connections = 0;
    await using receiver = await startTcpReceiver((socket) => {
      connections += 1;
      socket.destroy();
    });
    await using delivery = openDelivery();
    const url = `https://localhost:${receiver.port}/`;

    for (let n = 0; n < 20; n++) prepare(delivery, { url });
    await eventually(() => connections >= 8);
    await delay(50);
    for (let n = 0; n < 20; n++) prepare(delivery, { url });
    await delay(50);

    expect(connections).toBe(8);
    expect(await delivery.perform({ url })).toMatchObject({ kind: 'retry', error: { code: 'connection_reset' } });
    expect(connections).toBe(9);
  });

  it('is not answered by what came before it was sent', async () => {
    await using receiver = await startObservedReceiver();
    await using delivery = openDelivery();
    prepare(delivery, { url: receiver.url });
    await eventually(() => receiver.sockets.length === 1);

    // As a balancer ends a connection that has been silent for too long.
    receiver.sockets[0]?.write('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    await delay(50);

    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ kind: 'delivered' });
    expect(receiver.seen).toEqual(['connection 0', 'connection 1', 'request on 1']);
  });

  it('gets another connection where the one opened before was closed meanwhile', async () => {
    await using receiver = await startObservedReceiver();
    await using delivery = openDelivery();
    prepare(delivery, { url: receiver.url });
    await eventually(() => receiver.sockets.length === 1);

    receiver.sockets[0]?.end();
    await eventually(() => receiver.seen.includes('closed 0'));

    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ kind: 'delivered' });
    expect(receiver.seen).toEqual(['connection 0', 'closed 0', 'connection 1', 'request on 1']);
  });

  it('leaves no connection behind where it does not go out', async () => {
    await using receiver = await startObservedReceiver();
    await using delivery = openDelivery();

    prepare(delivery, { url: receiver.url, nextAttemptAt: Math.ceil(STORE_NOW) + 60 });
    await eventually(() => receiver.seen.includes('closed 0'));

    expect(receiver.seen).toEqual(['connection 0', 'closed 0']);
  });

  it('leaves nothing open at a stop, and nothing is opened from then on', async () => {
    await using receiver = await startObservedReceiver();
    const delivery = openDelivery();
    prepare(delivery, { url: receiver.url });
    await eventually(() => receiver.sockets.length === 1);

    await delivery.close();
    await eventually(() => receiver.seen.includes('closed 0'));
    prepare(delivery, { url: receiver.url });
    await delay(50);

    expect(receiver.seen).toEqual(['connection 0', 'closed 0']);
  });
});

describe('over TLS', () => {
  const pem = (name: string) => readFileSync(new URL(`certificates/${name}.pem`, import.meta.url), 'utf8');
  const trustedBefore = getCACertificates('default');

  beforeAll(() => setDefaultCACertificates([pem('localhost')]));
  afterAll(() => setDefaultCACertificates(trustedBefore));

  it('the handshake is done before the instant', async () => {
    const seen: string[] = [];
    const server = createServer({ key: pem('key'), cert: pem('localhost') }, (socket) => {
      seen.push('handshake');
      socket.on('data', () => {
        seen.push('request');
        socket.write(`${OK}content-length: 0\r\n\r\n`);
      });
      socket.on('error', () => undefined);
    });
    await using receiver = await startTcpReceiver((socket) => void server.emit('connection', socket));
    await using delivery = openDelivery();
    const url = `https://localhost:${receiver.port}/`;

    prepare(delivery, { url });
    await eventually(() => seen.length === 1);
    await delay(50);
    expect(seen).toEqual(['handshake']);
    expect(await delivery.perform({ url })).toMatchObject({ kind: 'delivered' });

    expect(seen).toEqual(['handshake', 'request']);
  });
});
