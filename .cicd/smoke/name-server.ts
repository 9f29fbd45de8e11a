import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface NameServer extends AsyncDisposable {
  /** As nginx takes it: address and port. */
  address: string;
}

const HEADER_BYTES = 12;
const QUESTION_TAIL_BYTES = 4;
const TYPE_A = 1;

/**
 * A name server that gives every name the same IPv4 addresses, as Docker's own gives a service's name the addresses of its
 * replicas. Only what a resolver's plain question for one name takes (RFC 1035, §4).
 */
export async function startNameServer(addresses: string[]): Promise<NameServer> {
  const socket = createSocket('udp4');
  socket.on('message', (query, sender) => socket.send(answer(query, addresses), sender.port, sender.address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function answer(query: Buffer, addresses: string[]): Buffer {
  const nameEnd = query.indexOf(0, HEADER_BYTES) + 1;
  const question = query.subarray(HEADER_BYTES, nameEnd + QUESTION_TAIL_BYTES);
  const records = query.readUInt16BE(nameEnd) === TYPE_A ? addresses : [];
  const header = Buffer.from(query.subarray(0, HEADER_BYTES));
  // An answer, recursion asked for and available, no error; one question, the records, and nothing more.
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  return Buffer.concat([header, question, ...records.map(addressRecord)]);
}

/** The name (a pointer to the question's), type A, class IN, one second to live, four bytes. */
const addressRecord = (address: string) =>
  Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]);
