import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEMS, Problem, problemDocument } from './problem.ts';
import type { RequestIds } from './request-id.ts';

const LATEST = Symbol('latest');
const ENDS = Symbol('ends');

/**
 * The answer to its latest request stands on the connection itself, and whether it is to be closed after it; see the listener
 * for what a map would cost.
 */
type Connection = Duplex & { [LATEST]?: ServerResponse | undefined; [ENDS]?: boolean };

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
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const { [LATEST]: latest } = socket;
  // What came before it in full is as good as any, and may have made a timer: it is answered, and then the connection ends.
  if (latest?.req.complete === true && !latest.closed) return endAfterAnswers(socket);
  // The fault is in the body of what has been answered by now. No request is answered twice.
  if (latest?.req.complete === false && latest.headersSent) return void socket.destroy();
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

/** Also of what was sent ahead, which is begun when the answer before it is out. */
function endAfterAnswers(socket: Connection): void {
  if (socket[ENDS] === true) return;
  socket[ENDS] = true;
  const endOrWait = () => {
    const { [LATEST]: latest } = socket;
    if (latest === undefined) socket.end(() => socket.destroy());
    else latest.once('close', endOrWait);
  };
  endOrWait();
}

function problemOfCode(code: string | undefined): Problem {
  if (code === TOO_SLOW) return new Problem('request_timeout', 'The request was not complete in time.');
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem('headers_too_large', 'The headers of the request are larger than 16 KiB.');
  }
  return new Problem('malformed_request', 'This is not HTTP/1.1.');
}
