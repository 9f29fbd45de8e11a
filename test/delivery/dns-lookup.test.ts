import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { createDnsLookup } from '../../src/delivery/dns-lookup.ts';

const TYPES = { 1: 'A', 28: 'AAAA' } as const;
type RecordType = (typeof TYPES)[keyof typeof TYPES];
const [NO_ERROR, SERVER_FAILURE, NAME_ERROR] = [0, 2, 3];

/** A name server: for each question the data of its records, or an error code; undefined for no answer at all. */
async function startNameServer(answer: (name: string, type: RecordType) => Buffer[] | number | undefined) {
  const questions: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('ascii', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = TYPES[query.readUInt16BE(at + 1) as keyof typeof TYPES];
    questions.push(`${labels.join('.')} ${type}`);
    const result = answer(labels.join('.'), type);
    if (result === undefined) return;

    const records = typeof result === 'number' ? [] : result;
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180 | (typeof result === 'number' ? result : NO_ERROR), 2);
    header.writeUInt16BE(records.length, 6);
    header.fill(0, 8);
    const question = query.subarray(12, at + 5);
    const written = records.map((data) => {
      const head = Buffer.alloc(12);
      head.writeUInt16BE(0xc00c, 0);
      question.copy(head, 2, question.length - 4);
      head.writeUInt16BE(data.length, 10);
      return Buffer.concat([head, data]);
    });
    socket.send(Buffer.concat([header, question, ...written]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    questions,
    lookup: createDnsLookup({ servers: [`127.0.0.1:${socket.address().port}`] }),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(resolve)),
  };
}

const IPV4 = Buffer.from([192, 0, 2, 7]);
const IPV6 = Buffer.from('20010db8000000000000000000000007', 'hex');

describe('public names', () => {
  it('are looked up to all their addresses, of both families', async () => {
    await using server = await startNameServer((_name, type) => (type === 'A' ? [IPV4, IPV4] : [IPV6]));

    expect(await server.lookup('hooks.example.com')).toEqual(['192.0.2.7', '192.0.2.7', '2001:db8::7']);
  });

  it('are asked for as they are, without the search domains of this machine', async () => {
    await using server = await startNameServer(() => NAME_ERROR);

    await expect(server.lookup('hooks.example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' });

    expect(new Set(server.questions)).toEqual(new Set(['hooks.example.com A', 'hooks.example.com AAAA']));
  });

  it('need an address of one family only', async () => {
    await using server = await startNameServer((_name, type) => (type === 'A' ? [] : [IPV6]));

    expect(await server.lookup('hooks.example.com')).toEqual(['2001:db8::7']);
  });

  it('without any address are told apart from a server that fails', async () => {
    await using server = await startNameServer((name, type) =>
      name.startsWith('empty') || type === 'A' ? [] : SERVER_FAILURE,
    );

    await expect(server.lookup('empty.example.com')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(server.lookup('broken.example.com')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  });
});

describe('local names', () => {
  it('are looked up the way of the system, where /etc/hosts counts', async () => {
    await using server = await startNameServer(() => [IPV4]);

    const addresses = await Promise.all(Array.from({ length: 20 }, () => server.lookup('localhost')));

    expect(addresses.every((found) => found.every((address) => address === '127.0.0.1' || address === '::1'))).toBe(
      true,
    );
    expect(server.questions).toEqual([]);
  });
});
