// Stamps arrivals. It shares the cores with what is measured, so it speaks no more HTTP than the senders here need:
// requests with a content-length, one at a time on a connection.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Question } from './receiver.ts';

const ANSWER =
  'HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=60\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok';
const READINGS = 30;
const HEAD_END = '\r\n\r\n';

let ids: string[] = [];
let at: number[] = [];
let delayMs = 0;
let lastRequest = '';
/** `performance.now()` is this much behind the wall clock; the two drift apart over a long run. */
let origin = readOrigin();

const server = createServer({ noDelay: true }, (socket) => {
  let pending = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const now = origin + performance.now();
    pending += chunk.toString('latin1');
    const headEnd = pending.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(pending)?.[1] ?? '0';
    if (pending.length < headEnd + HEAD_END.length + Number(length)) return;
    take(pending, now);
    pending = '';
    answer(socket);
  });
});

function take(request: string, now: number): void {
  const id = /\r\nwebhook-id: ([^\r]*)\r\n/i.exec(request)?.[1];
  if (id === undefined) throw new Error(`A request without a webhook-id: ${request}`);
  ids.push(id);
  at.push(now);
  lastRequest = request;
}

function answer(socket: Socket): void {
  if (delayMs === 0) socket.write(ANSWER);
  else setTimeout(() => socket.write(ANSWER), delayMs);
}

/**
 * The wall clock tells no fractions, so it is read as its millisecond changes. That is noticed late, never early, and once
 * in a while much too late: the best of several readings counts.
 */
function readOrigin(): number {
  let best = -Infinity;
  for (let reading = 0; reading < READINGS; reading++) {
    const begun = Date.now();
    let now = Date.now();
    while (now === begun) now = Date.now();
    best = Math.max(best, now - performance.now());
  }
  return best;
}

server.listen(0, '127.0.0.1', 4096, () => process.send?.({ port: (server.address() as AddressInfo).port }));

process.on('message', (question: Question) => {
  if (question === 'count') {
    process.send?.(ids.length);
  } else if (question === 'arrivals') {
    process.send?.({ ids, at });
  } else if (question === 'last request') {
    process.send?.(lastRequest);
  } else {
    ids = [];
    at = [];
    delayMs = question.reset;
    origin = readOrigin();
    process.send?.(null);
  }
});
process.on('disconnect', () => process.exit());
