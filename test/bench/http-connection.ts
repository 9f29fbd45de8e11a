import { once } from 'node:events';
import { connect } from 'node:net';

export interface HttpAnswer {
  status: number;
  body: string;
}

/** A kept-alive connection for one request at a time. */
export interface HttpConnection {
  post(path: string, body: string): Promise<HttpAnswer>;
  close(): void;
}

const HEAD_END = '\r\n\r\n';

/**
 * As cheap as it gets: the load shares the cores with what it loads, and a whole HTTP client would take as much of them as
 * the service. Bodies are ASCII; answers come with a content-length.
 */
export async function openHttpConnection(url: string): Promise<HttpConnection> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  let pending = '';
  let asked = Promise.withResolvers<HttpAnswer>();

  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1');
    const headEnd = pending.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(pending)?.[1]);
    const begin = headEnd + HEAD_END.length;
    if (pending.length < begin + length) return;
    const answer = { status: Number(pending.slice(9, 12)), body: pending.slice(begin, begin + length) };
    pending = '';
    asked.resolve(answer);
  });
  const fail = () => asked.reject(new Error(`${url} hung up.`));
  socket.on('error', fail);
  socket.on('close', fail);

  return {
    post(path, body) {
      asked = Promise.withResolvers();
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      return asked.promise;
    },
    close: () => {
      asked.promise.catch(() => undefined);
      socket.destroy();
    },
  };
}
