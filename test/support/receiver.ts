import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { promisify } from 'node:util';

export interface ReceivedRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: Buffer;
  /** Counts the connections of this receiver, from 0. */
  connection: number;
}

export interface HttpReceiver extends AsyncDisposable {
  port: number;
  /** Without a final slash. */
  url: string;
  requests: ReceivedRequest[];
  openConnections(): Promise<number>;
}

/** A well-behaved receiver on loopback that remembers what it got; it answers 204 unless told otherwise. */
export async function startHttpReceiver(
  answer: (response: ServerResponse, request: ReceivedRequest) => void = (response) =>
    void response.writeHead(204).end(),
  { host = '127.0.0.1' } = {},
): Promise<HttpReceiver> {
  const requests: ReceivedRequest[] = [];
  const connections: Socket[] = [];
  const server = createHttpServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url = '', headers, rawHeaders, socket } = incoming;
      const body = Buffer.concat(chunks);
      const request = { method, url, headers, rawHeaders, body, connection: connections.indexOf(socket) };
      requests.push(request);
      answer(response, request);
    });
  });
  server.on('connection', (socket: Socket) => connections.push(socket));
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${host}:${port}`,
    requests,
    openConnections: () => promisify(server.getConnections.bind(server))(),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

export interface TcpReceiver extends AsyncDisposable {
  port: number;
  /** How many connections were accepted. */
  accepted(): number;
}

/** A receiver that does with each connection (counted from 0) exactly what the test says, HTTP or not. */
export async function startTcpReceiver(
  behave: (socket: Socket, connection: number) => void,
  { port = 0 } = {},
): Promise<TcpReceiver> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createTcpServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    behave(socket, accepted++);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
