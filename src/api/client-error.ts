import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEMS, Problem, problemDocument } from './problem.ts';
import type { RequestIds } from './request-id.ts';

/** Node's code for a request that was not complete in time. */
export const TOO_SLOW = 'ERR_HTTP_REQUEST_TIMEOUT';

/** Answers what never became a whole request: node's parser refused it, or it was not complete in time. */
export function answerClientError(
  error: Error & { code?: string },
  deps: { socket: Duplex; answering: Iterable<ServerResponse>; requestIds: RequestIds },
): void {
  const { socket, answering, requestIds } = deps;
  if (!socket.writable || error.code === 'ECONNRESET' || isBusy(error, socket, answering)) return void socket.destroy();
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

/** An earlier request of the connection is still to be answered: a refusal of what follows it would be taken for its answer. */
function isBusy(error: { code?: string }, socket: Duplex, answering: Iterable<ServerResponse>): boolean {
  for (const res of answering) {
    if (res.socket === socket) return res.headersSent || error.code !== TOO_SLOW;
  }
  return false;
}

function problemOfCode(code: string | undefined): Problem {
  if (code === TOO_SLOW) return new Problem('request_timeout', 'The request was not complete in time.');
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem('headers_too_large', 'The headers of the request are larger than 16 KiB.');
  }
  return new Problem('malformed_request', 'This is not HTTP/1.1.');
}
