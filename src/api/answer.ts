import type { ServerResponse } from 'node:http';
import { PROBLEMS, problemDocument, type Problem } from './problem.ts';
import { requestIdOf } from './request-id.ts';

/** What a document of ours needs of helmet's headers; nothing here is ever rendered as a page. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
};

/** Bypasses Express's own `json`, which costs a fifth of the time of a POST (ETag, charset, freshness). */
export function sendJson(
  res: ServerResponse,
  { status, body, headers }: { status: number; body: unknown; headers?: Record<string, string> },
): void {
  sendText(res, { status, text: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });
}

export function sendText(
  res: ServerResponse,
  { status, text, headers }: { status: number; text: string; headers: { 'Content-Type': string } },
): void {
  const isLast = !res.shouldKeepAlive || res.hasHeader('Connection') || 'Connection' in headers;
  res.writeHead(status, { 'Content-Length': Buffer.byteLength(text), ...HEADERS, ...headers });
  // Closed while the client still sends, the connection would be reset, and the answer lost before it is read.
  if (isLast && !res.req.complete) endWhenRead(res, text);
  else res.end(text);
}

function endWhenRead(res: ServerResponse, text: string): void {
  res.write(text);
  res.req.once('end', () => res.end()).resume();
}

export function sendProblem(res: ServerResponse, problem: Problem): void {
  // Half an answer is out: only a broken connection still tells the client that it is no answer.
  if (res.headersSent) return void res.destroy();
  sendJson(res, {
    status: PROBLEMS[problem.code].status,
    body: problemDocument(problem, requestIdOf(res)),
    headers: { ...problem.headers, 'Content-Type': 'application/problem+json' },
  });
}
