import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Arrival, Fault } from './ledger.ts';

/** How one request is answered. */
export interface Answer {
  status: number;
  /** Time from the request's head to its answer. */
  afterMs: number;
}

export interface LedgerReceiver {
  /** What a timer with this number is to call. */
  urlOf(number: number): string;
  arrivals: Arrival[];
  /** When this process got no processor, or waited for its disk, and answered nobody. */
  stalls: Fault[];
  /** Requests that wait for their answer just now. */
  inFlight(): number;
  /** From now on; 204 at once before that. */
  answerBy(rule: (arrival: Arrival) => Answer): void;
  close(): Promise<void>;
}

const AT_ONCE: Answer = { status: 204, afterMs: 0 };
const BEAT_MS = 50;
/** Shorter than any sender's patience. */
const STALL_MS = 300;

/** Notes the arrival of every request with the instant of its head, before anything else is done with it. */
export async function startLedgerReceiver(): Promise<LedgerReceiver> {
  const arrivals: Arrival[] = [];
  const stalls: Fault[] = [];
  let lastBeat = Date.now();
  const beat = setInterval(() => {
    const now = Date.now();
    if (now - lastBeat > STALL_MS) stalls.push({ kind: 'stall', from: lastBeat, to: now });
    lastBeat = now;
  }, BEAT_MS);
  let ruleOf: (arrival: Arrival) => Answer = () => AT_ONCE;

  async function answer(arrival: Arrival, response: ServerResponse): Promise<void> {
    const { status, afterMs } = ruleOf(arrival);
    if (afterMs > 0) await delay(afterMs);
    // A sender that is gone by now has not got this answer.
    if (response.destroyed) return;
    response.writeHead(status).end();
    arrival.status = status;
    arrival.answeredAt = Date.now();
  }

  const server = createServer((request, response) => {
    // Whole milliseconds rounded down, against due instants in whole milliseconds: early is exactly what is early.
    const arrival = arrivalOf(request, Date.now());
    arrivals.push(arrival);
    request.resume();
    void answer(arrival, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    urlOf: (number) => `http://127.0.0.1:${port}/${number}`,
    arrivals,
    stalls,
    inFlight: () => arrivals.filter(({ answeredAt }) => answeredAt === null).length,
    answerBy: (rule) => void (ruleOf = rule),
    async close() {
      clearInterval(beat);
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function arrivalOf({ url = '', headers }: IncomingMessage, at: number): Arrival {
  const [, number = '', id = ''] = url.split('/');
  return {
    number: Number(number),
    id,
    webhookId: String(headers['webhook-id']),
    fence: Number(headers['punctual-fence']),
    attempt: Number(headers['punctual-attempt']),
    dueAt: Date.parse(String(headers['punctual-due-at'])),
    at,
    answeredAt: null,
    status: null,
  };
}
