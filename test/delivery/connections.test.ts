import { once } from 'node:events';
import { Socket } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { OK } from '../support/hostile-behaviours.ts';
import { startHttpReceiver, startTcpReceiver } from '../support/receiver.ts';
import { openDelivery, TIMER_ID } from './under-test.ts';

const EMPTY_OK = `${OK}content-length: 0\r\n\r\n`;

/** A receiver that answers each request by its number on its connection and overall, both from 0. */
async function startScriptedReceiver(onRequest: (socket: Socket, at: { connection: number; onIt: number }) => void) {
  const requests: string[] = [];
  const sockets: Socket[] = [];
  const receiver = await startTcpReceiver((socket, connection) => {
    let onIt = 0;
    sockets.push(socket);
    socket.on('data', (bytes) => {
      requests.push(bytes.toString());
      onRequest(socket, { connection, onIt: onIt++ });
    });
  });
  return Object.assign(receiver, { requests, sockets, url: `http://127.0.0.1:${receiver.port}/` });
}

describe('connections', () => {
  it('are kept and used again', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery();

    for (const path of ['/a', '/b', '/c']) await delivery.perform({ url: receiver.url + path });

    expect(receiver.requests.map(({ connection }) => connection)).toEqual([0, 0, 0]);
  });

  it('carry one request at a time', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery();

    await Promise.all(Array.from({ length: 10 }, () => delivery.perform({ url: receiver.url })));

    expect(new Set(receiver.requests.map(({ connection }) => connection)).size).toBe(10);
  });

  it('that were reset before it was known whom they reached are worth another try', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery();
    // What the kernel tells of a connection that is none any more.
    const unknown = jest.spyOn(Socket.prototype as unknown as { _getpeername(): object }, '_getpeername');
    unknown.mockReturnValue({});
    try {
      expect(await delivery.perform({ url: receiver.url })).toMatchObject({
        kind: 'retry',
        error: { code: 'connection_reset' },
        verdict: 'unreachable',
        maybeSent: false,
      });
    } finally {
      unknown.mockRestore();
    }
  });

  it('carry nothing past the deadline, though the process stood still while they were made', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery({ timeoutMs: 100 });

    const late = delivery.perform({ url: `${receiver.url}/late` });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);

    expect(await late).toMatchObject({ kind: 'retry', error: { code: 'timeout' }, maybeSent: false });
    expect(await delivery.perform({ url: `${receiver.url}/next` })).toMatchObject({ kind: 'delivered' });
    expect(receiver.requests).toHaveLength(1);
  });

  it('that were kept carry nothing past the deadline either, though the process stood still just before the first byte', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery({ timeoutMs: 100 });
    await delivery.perform({ url: `${receiver.url}/first` });

    const late = delivery.perform({ url: `${receiver.url}/late` });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);

    expect(await late).toMatchObject({ kind: 'retry', error: { code: 'timeout' }, maybeSent: false });
    expect(await delivery.perform({ url: `${receiver.url}/next` })).toMatchObject({ kind: 'delivered' });
    expect(receiver.requests).toHaveLength(2);
  });

  it('carry nothing of a timer that is no longer ours, be they new or kept', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery();
    const { signal } = new AbortController();
    const lost = { kind: 'retry', error: { code: 'timeout' }, maybeSent: false };

    expect(await delivery.perform({ url: receiver.url }, signal, () => false)).toMatchObject(lost);
    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ kind: 'delivered' });
    expect(await delivery.perform({ url: receiver.url }, signal, () => false)).toMatchObject(lost);
    expect(receiver.requests).toHaveLength(1);
  });

  it('are not shared between two names of one address', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery({ lookup: () => Promise.resolve(['127.0.0.1']) });

    await delivery.perform({ url: `http://a.example.com:${receiver.port}/` });
    await delivery.perform({ url: `http://b.example.com:${receiver.port}/` });

    expect(receiver.requests.map(({ connection }) => connection)).toEqual([0, 1]);
  });

  it('that the receiver closed while they were idle are replaced without anyone noticing', async () => {
    await using receiver = await startScriptedReceiver((socket) => socket.write(EMPTY_OK));
    await using delivery = openDelivery();

    for (const close of ['end', 'resetAndDestroy', 'destroy'] as const) {
      await delivery.perform({ url: receiver.url });
      const last = receiver.sockets.at(-1);
      last?.[close]();
      await eventually(() => last?.closed === true);
      expect(await delivery.perform({ url: receiver.url })).toMatchObject({ kind: 'delivered' });
    }

    expect(receiver.requests).toHaveLength(6);
  });

  it('that the receiver closes just as a request comes lose no time: it is sent again at once on a new one', async () => {
    await using receiver = await startScriptedReceiver((socket, { onIt }) => {
      if (onIt === 0) socket.write(EMPTY_OK);
      else socket.destroy();
    });
    await using delivery = openDelivery();

    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ kind: 'delivered' });
    expect(await delivery.perform({ url: receiver.url, attempts: 7 })).toMatchObject({ kind: 'delivered' });

    const [, lost = '', again = ''] = receiver.requests;
    expect(lost).toContain(`webhook-id: ${TIMER_ID}`);
    expect(again).toBe(lost);
  });

  it('are tried anew only once an attempt', async () => {
    await using receiver = await startScriptedReceiver((socket, { connection, onIt }) => {
      if (connection === 0 && onIt === 0) socket.write(EMPTY_OK);
      else socket.destroy();
    });
    await using delivery = openDelivery();

    await delivery.perform({ url: receiver.url });
    expect(await delivery.perform({ url: receiver.url })).toMatchObject({
      kind: 'retry',
      error: { code: 'connection_reset' },
      maybeSent: true,
    });

    expect(receiver.accepted()).toBe(2);
  });

  it('that broke after the answer had begun do not have the request sent again', async () => {
    await using receiver = await startScriptedReceiver((socket, { onIt }) => {
      if (onIt === 0) socket.write(EMPTY_OK);
      else socket.write('HTTP/1.1 2', () => socket.destroy());
    });
    await using delivery = openDelivery();

    await delivery.perform({ url: receiver.url });
    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ error: { code: 'connection_reset' } });

    expect(receiver.requests).toHaveLength(2);
  });

  it('for an at-most-once timer are new each time, so no request is lost on a dead one or sent twice', async () => {
    await using receiver = await startScriptedReceiver((socket, { connection }) => {
      if (connection < 2) socket.write(EMPTY_OK);
      else socket.destroy();
    });
    await using delivery = openDelivery();
    const timer = { url: receiver.url, delivery: 'at_most_once' } as const;

    expect(await delivery.perform(timer)).toMatchObject({ kind: 'delivered' });
    expect(await delivery.perform(timer)).toMatchObject({ kind: 'delivered' });
    expect(await delivery.perform(timer)).toMatchObject({ error: { code: 'connection_reset' }, maybeSent: true });

    expect(receiver.accepted()).toBe(3);
    expect(receiver.requests).toHaveLength(3);
  });

  it('on which an answer came unasked are given up, so it is not taken for the answer to the next request', async () => {
    await using receiver = await startScriptedReceiver((socket, { connection }) => {
      socket.write(connection === 0 ? EMPTY_OK : 'HTTP/1.1 500 Honest\r\ncontent-length: 0\r\n\r\n');
    });
    await using delivery = openDelivery();
    await delivery.perform({ url: receiver.url });

    const [first] = receiver.sockets;
    first?.write(EMPTY_OK);
    if (first !== undefined) await once(first, 'close');

    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ kind: 'retry', httpStatus: 500 });
  });

  it('that a timed-out request was on are closed', async () => {
    await using receiver = await startScriptedReceiver(() => {});
    await using delivery = openDelivery();

    expect(await delivery.perform({ url: receiver.url, timeoutMs: 50 })).toMatchObject({ error: { code: 'timeout' } });

    await eventually(() => receiver.sockets[0]?.closed === true);
  });

  it('to very many hosts do not pile up', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery({ lookup: () => Promise.resolve(['127.0.0.1']), timeoutMs: 10_000 });

    for (let batch = 0; batch < 8; batch += 1) {
      const urls = Array.from(
        { length: 100 },
        (_, index) => `http://host-${batch}-${index}.example.com:${receiver.port}/`,
      );
      await Promise.all(urls.map((url) => delivery.perform({ url })));
    }

    expect(receiver.requests).toHaveLength(800);
    await eventually(async () => (await receiver.openConnections()) <= 512);
    expect(await receiver.openConnections()).toBeGreaterThan(400);
  });
});

describe('an attempt', () => {
  it('ends at once when the service stops and has no more time', async () => {
    await using receiver = await startScriptedReceiver(() => stop.abort());
    await using delivery = openDelivery({ timeoutMs: 60_000 });
    const stop = new AbortController();
    const interrupted = { kind: 'retry', error: { code: 'interrupted' }, verdict: 'inconclusive', httpStatus: null };

    const [one, other] = await Promise.all([
      delivery.perform({ url: receiver.url }, stop.signal),
      delivery.perform({ url: receiver.url }, stop.signal),
    ]);
    const late = await delivery.perform({ url: receiver.url }, stop.signal);

    expect(one).toMatchObject({ ...interrupted, maybeSent: true });
    expect(other).toMatchObject(interrupted);
    expect(late).toMatchObject({ ...interrupted, maybeSent: false });
  });

  it('counts an answer that came in time though the process was too busy to look', async () => {
    await using receiver = await startScriptedReceiver((socket) => {
      socket.write(EMPTY_OK, () => {
        const until = performance.now() + 300;
        while (performance.now() < until);
      });
    });
    await using delivery = openDelivery({ timeoutMs: 100 });

    expect(await delivery.perform({ url: receiver.url })).toMatchObject({ kind: 'delivered' });
  });

  it('takes the deadline of its timer, or else of the service, and never more than a lease covers', async () => {
    await using delivery = openDelivery({ timeoutMs: 1234, maxTimeoutMs: 5000 });

    const { action } = delivery;
    const timer = (timeoutMs: number | null) => ({ timeoutMs }) as Parameters<typeof action.deadlineMs>[0];

    expect([null, 77, 60_000].map((ownMs) => action.deadlineMs(timer(ownMs)))).toEqual([1234, 77, 5000]);
  });

  it('goes to the lane of its host and port', async () => {
    await using delivery = openDelivery();
    const { action } = delivery;
    const laneOf = (url: string) => action.laneOf({ url } as Parameters<typeof action.laneOf>[0]);

    expect(laneOf('https://Hooks.Example.com:443/a?b')).toBe('hooks.example.com');
    expect(laneOf('http://hooks.example.com:8080/b')).toBe('hooks.example.com:8080');
    expect(laneOf('not a URL')).toBe('not a URL');
  });
});

describe('closing', () => {
  it('ends what runs, closes what is idle, and may be asked for twice', async () => {
    await using receiver = await startScriptedReceiver((socket, { connection }) => {
      if (connection === 0) socket.write(EMPTY_OK);
    });
    const delivery = openDelivery({ timeoutMs: 60_000 });
    await delivery.perform({ url: receiver.url });
    const idleAndRunning = [delivery.perform({ url: receiver.url, delivery: 'at_most_once' })];
    await eventually(() => receiver.requests.length === 2);

    await Promise.all([delivery.close(), delivery.close()]);
    await delivery.close();

    expect(await Promise.all(idleAndRunning)).toMatchObject([{ error: { code: 'interrupted' } }]);
    await eventually(() => receiver.sockets.every((socket) => socket.closed));
  });
});
