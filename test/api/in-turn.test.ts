import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { inTurn } from '../../src/api/in-turn.ts';

it('what a client that is cut off sent is let go of before other connections are read', async () => {
  const sent: IncomingMessage[] = [];
  const read = Promise.withResolvers<boolean[]>();
  const server = createServer(inTurn(() => undefined));
  server.prependListener('request', (req) => {
    // Immediates come before sockets that were destroyed are closed.
    if (sent.push(req) === 1) setImmediate(() => read.resolve(sent.map(({ destroyed }) => destroyed)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');

  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000));

  const gone = await read.promise;
  socket.destroy();
  server.close().closeAllConnections();
  expect(gone.length).toBeGreaterThan(17);
  expect(gone).not.toContain(false);
});
