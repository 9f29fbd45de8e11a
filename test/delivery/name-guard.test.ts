import { describe, expect, it, jest } from '@jest/globals';
import { parseNetworks, type Lookup } from '../../src/delivery/index.ts';
import { TARGET_REFUSALS } from '../../src/delivery/target-refusals.ts';
import { startHttpReceiver } from '../support/receiver.ts';
import { callAll, openDelivery } from './under-test.ts';

const BLOCKED = {
  kind: 'rejected',
  reason: 'target_not_allowed',
  error: { code: 'target_not_allowed', message: TARGET_REFUSALS.address },
  verdict: 'inconclusive',
  httpStatus: null,
  answer: null,
};

/** Gives one answer a look-up, in turn. */
const answering = (...answers: string[][]) => jest.fn<Lookup>(() => Promise.resolve(answers.shift() ?? []));

const failing = (code: string) =>
  jest.fn<Lookup>(() => Promise.reject(Object.assign(new Error('getaddrinfo at 10.9.8.7'), { code })));

const PROXY_VARIABLES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'];

describe('the second gate', () => {
  it('calls a name at the address it was looked up to', async () => {
    await using receiver = await startHttpReceiver();
    const lookup = answering(['127.0.0.1']);
    await using delivery = openDelivery({ lookup });

    const outcome = await delivery.perform({ url: `http://hooks.example.com:${receiver.port}/a` });

    expect(outcome).toMatchObject({ kind: 'delivered' });
    expect(lookup.mock.calls).toEqual([['hooks.example.com']]);
    expect(receiver.requests[0]?.headers.host).toBe(`hooks.example.com:${receiver.port}`);
  });

  it('looks a name up once an attempt, so another answer cannot slip in between look-up and connect', async () => {
    await using receiver = await startHttpReceiver();
    const lookup = answering(['127.0.0.1'], ['10.0.0.1']);
    await using delivery = openDelivery({ lookup });

    const outcome = await delivery.perform({ url: `http://rebinding.example.com:${receiver.port}/` });

    expect(outcome).toMatchObject({ kind: 'delivered' });
    expect(lookup).toHaveBeenCalledTimes(1);
  });

  it('refuses a name that was public when the timer was made and leads inside when it is due', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery({ allowLoopback: false, lookup: answering(['127.0.0.1']) });
    const url = `http://rebinding.example.com:${receiver.port}/`;

    expect(delivery.targets.refusalOf(url)).toBeUndefined();
    expect(await delivery.perform({ url })).toEqual(BLOCKED);
    expect(receiver.requests).toEqual([]);
  });

  it.each([
    ['10.0.0.1'],
    ['169.254.169.254'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['fe80::1%eth0'],
    ['fd00:ec2::254'],
    ['64:ff9b::7f00:1'],
    ['not an address'],
    ['127.0.0.1\0.example.com'],
    [''],
  ])('refuses a name that leads to %j in the words of a refused address, and shows no address', async (address) => {
    await using delivery = openDelivery({ allowLoopback: false, lookup: answering([address]) });

    expect(await delivery.perform({ url: 'http://hooks.example.com/' })).toEqual(BLOCKED);
  });

  it.each([[['127.0.0.1', '10.0.0.1']], [['10.0.0.1', '127.0.0.1']], [['127.0.0.1', '::ffff:169.254.169.254']]])(
    'refuses %j altogether, as one bad answer spoils all',
    async (addresses) => {
      await using receiver = await startHttpReceiver();
      await using delivery = openDelivery({ lookup: answering(addresses) });

      expect(await delivery.perform({ url: `http://hooks.example.com:${receiver.port}/` })).toEqual(BLOCKED);
      expect(receiver.requests).toEqual([]);
    },
  );

  it('checks literals too, which no look-up would ever see', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery({ allowLoopback: false });

    for (const host of ['127.0.0.1', '[::1]', 'localhost', '10.0.0.1', '[::ffff:127.0.0.1]']) {
      expect(await delivery.perform({ url: `http://${host}:${receiver.port}/` })).toEqual(BLOCKED);
    }
    expect(receiver.requests).toEqual([]);
  });

  it.each([
    ['ftp://127.0.0.1/', TARGET_REFUSALS.scheme],
    ['http://2130706433/', TARGET_REFUSALS.host],
    ['http://127.0.0.1:6379/', TARGET_REFUSALS.port],
    ['http://user:pass@127.0.0.1/', TARGET_REFUSALS.userinfo],
    ['http://intranet/', TARGET_REFUSALS.localName],
    ['http://127.0.0.1\t/', TARGET_REFUSALS.characters],
    ['', TARGET_REFUSALS.length],
  ])('refuses %j also when it was written straight into the database', async (url, message) => {
    await using delivery = openDelivery();

    expect(await delivery.perform({ url })).toEqual({ ...BLOCKED, error: { code: 'target_not_allowed', message } });
  });

  it('never calls our own port, by address or by name', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery({ ownPorts: () => [receiver.port], lookup: answering(['127.0.0.1']) });

    for (const host of ['127.0.0.1', 'localhost', 'hooks.example.com']) {
      expect(await delivery.perform({ url: `http://${host}:${receiver.port}/timers` })).toEqual(BLOCKED);
    }
    expect(receiver.requests).toEqual([]);
  });

  it('looks up a name without a dot where a network is listed, and lets its address decide', async () => {
    await using receiver = await startHttpReceiver();
    const lookup = answering(['127.0.0.1'], ['192.168.1.1']);
    await using delivery = openDelivery({
      allowLoopback: false,
      allowedNetworks: parseNetworks('127.0.0.0/8'),
      lookup,
    });

    expect(await delivery.perform({ url: `http://receiver:${receiver.port}/` })).toMatchObject({ kind: 'delivered' });
    expect(await delivery.perform({ url: 'http://other/' })).toEqual(BLOCKED);
  });

  it('maps localhost to both loopback addresses itself and tries both', async () => {
    await using receiver = await startHttpReceiver(undefined, { host: '::1' }).catch(() => startHttpReceiver());
    const lookup = answering(['10.0.0.1']);
    await using delivery = openDelivery({ lookup });

    expect(await delivery.perform({ url: `http://localhost:${receiver.port}/` })).toMatchObject({ kind: 'delivered' });
    expect(lookup).not.toHaveBeenCalled();
  });

  it('goes on to the next address of a name when one refuses', async () => {
    await using receiver = await startHttpReceiver();
    await using delivery = openDelivery({ lookup: answering(['127.0.0.2', '127.0.0.3', '127.0.0.1']) });

    expect(await delivery.perform({ url: `http://hooks.example.com:${receiver.port}/` })).toMatchObject({
      kind: 'delivered',
    });
  });

  it.each([
    ['ENOTFOUND', 'dns_not_found'],
    ['ENODATA', 'dns_not_found'],
    ['ESERVFAIL', 'dns_error'],
    ['EAI_AGAIN', 'dns_error'],
    ['ETIMEOUT', 'timeout'],
  ])('comes back later when the look-up fails with %s', async (code, expected) => {
    await using delivery = openDelivery({ lookup: failing(code) });

    const outcome = await delivery.perform({ url: 'http://hooks.example.com/' });

    expect(outcome).toMatchObject({ kind: 'retry', maybeSent: false, error: { code: expected } });
    expect(outcome.error?.message).not.toContain('10.9.8.7');
  });

  it('comes back later when a name has no address at all', async () => {
    await using delivery = openDelivery({ lookup: answering([]) });

    expect(await delivery.perform({ url: 'http://hooks.example.com/' })).toMatchObject({
      error: { code: 'dns_not_found' },
    });
  });

  it('gives up a look-up that never ends at the deadline of the attempt', async () => {
    await using delivery = openDelivery({ timeoutMs: 50, lookup: () => new Promise(() => {}) });

    expect(await delivery.perform({ url: 'http://hooks.example.com/' })).toEqual({
      kind: 'retry',
      error: { code: 'timeout', message: 'Timed out looking up the host.' },
      verdict: 'unreachable',
      retryAfterMs: null,
      maybeSent: false,
      httpStatus: null,
      answer: null,
    });
  });
});

describe('outside influence', () => {
  it('asks no proxy, whatever the environment says', async () => {
    await using receiver = await startHttpReceiver();
    await using proxy = await startHttpReceiver();
    const environment = Object.fromEntries(PROXY_VARIABLES.map((name) => [name, proxy.url]));

    const { outcomes } = await callAll(
      { targets: [{ url: receiver.url, bodyBytes: 0 }], timeoutMs: 2000 },
      { ...environment, NODE_USE_ENV_PROXY: '1' },
    );

    expect(outcomes).toMatchObject([{ kind: 'delivered' }]);
    expect(receiver.requests).toHaveLength(1);
    expect(proxy.requests).toEqual([]);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %i, inside or anywhere', async (status) => {
    await using inside = await startHttpReceiver();
    await using receiver = await startHttpReceiver((response) => {
      response.writeHead(status, { location: `${inside.url}/secret` }).end();
    });
    await using delivery = openDelivery();

    const outcome = await delivery.perform({ url: receiver.url });

    expect(outcome).toMatchObject({ kind: 'retry', httpStatus: status, error: { code: `http_${status}` } });
    expect(inside.requests).toEqual([]);
  });
});
