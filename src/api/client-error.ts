import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEMS, Problem, problemDocument } from './problem.ts';
import type { RequestIds } from './request-id.ts';

const LATEST = Symbol('latest');

/** The answer to its latest request stands on the connection itself; see the listener for what a map would cost. */
type Connection = Duplex & { [LATEST]?: ServerResponse | undefined };

/** To be called when a request is begun, so that what is wrong with it, or behind it, is answered in its place or not at all. */
export function markLatest(res: ServerResponse): void {
  const connection: Connection = res.req.socket;
  connection[LATEST] = res;
  res.once('close', () => {
    // A connection that waits for its next request keeps nothing in memory; one sent ahead has been begun by now.
    if (res.req.complete && connection[LATEST] === res) connection[LATEST] = undefined;
  });
}

/** Node's code for a request that was not complete in time. */
export const TOO_SLOW = 'ERR_HTTP_REQUEST_TIMEOUT';

/** Answers what never became a whole request: node's parser refused it, or it was not complete in time. */
export function answerClientError(
  error: Error & { code?: string },
  { socket, requestIds }: { socket: Connection; requestIds: RequestIds },
): void {
  if (!socket.writable || error.code === 'ECONNRESET' || !isToBeAnswered(socket)) return void socket.destroy();
  const problem = problemOfCode(error.code);
  const requestId = requestIds();
  const { status, title } = PROBLEMS[problem.code];
  const body = JSON.stringify(problemDocument(problem, requestId));
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/**
 * What came last is still being read, and then the fault is in its body, or it is being answered, and then the fault is in what
 * follows it: a refusal of that would be taken for its answer. Nor is any request answered twice.
 */
function isToBeAnswered({ [LATEST]: latest }: Connection): boolean {
  if (latest === undefined) return true;
  return latest.req.complete ? latest.closed : !latest.headersSent;
}

function problemOfCode(code: string | undefined): Problem {
  if (code === TOO_SLOW) return new Problem('request_timeout', 'The request was not complete in time.');
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem('headers_too_large', 'The headers of the request are larger than 16 KiB.');
  }
  return new Problem('malformed_request', 'This is not HTTP/1.1.');
}
