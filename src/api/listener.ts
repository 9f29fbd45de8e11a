import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { Clock, Logger, Service } from '../platform/index.ts';
import { answerClientError, markLatest, TOO_SLOW } from './client-error.ts';
import { holdContinue } from './expect-continue.ts';
import { inTurn } from './in-turn.ts';
import { setDeadline } from './request-deadline.ts';
import { createRequestIds } from './request-id.ts';

/** How long a client may take, milliseconds. */
export interface HttpDeadlines {
  /** For all headers. */
  headersMs: number;
  /** For the body, unless its route watches over it itself. */
  requestMs: number;
  /** How often the headers' is looked at; it is late by up to this. */
  checkEveryMs: number;
  /** Without a byte moving in either direction, as when a client does not read its answer. Longer than the longest answer takes to come. */
  idleMs: number;
  /** For what is under way at a stop. */
  stopMs: number;
}

const DEADLINES: HttpDeadlines = {
  headersMs: 10_000,
  requestMs: 15_000,
  checkEveryMs: 2000,
  idleMs: 90_000,
  stopMs: 10_000,
};
/** Longer than the idle time of the usual load balancers (60 s), so that it is they who close and no request meets a closed end. */
const KEEP_ALIVE_MS = 75_000;

/** An idle one costs 7 KB of memory, one with half its headers sent 21 KB; what comes beyond this is closed at once. */
const MAX_CONNECTIONS = 10_000;
const REFUSALS_TOLD_EVERY_MS = 60_000;

/** `stop` resolves when every request has been answered, or was cut as it took too long. */
export interface Listener extends Service {
  /** From now on every answer closes its connection, so that none is left to be closed under a request. */
  retire(): void;
  address(): { host: string; port: number };
}

export function createListener(deps: {
  host: string;
  port: number;
  handler: RequestListener;
  deadlines: Partial<HttpDeadlines> | undefined;
  maxConnections: number | undefined;
  clock: Pick<Clock, 'monotonic'>;
  logger: Logger;
}): Listener {
  const { host, port, maxConnections = MAX_CONNECTIONS, clock, logger } = deps;
  const deadlines = { ...DEADLINES, ...deps.deadlines };
  const requestIds = createRequestIds();
  /**
   * No Set: the tables that one grows out of stay linked to those that follow, so that once an early one is old all requests
   * since would be kept until the whole heap is collected, and copied by each of the small collections before that.
   */
  const answering: ServerResponse[] = [];
  let retired = false;
  let refusalToldAt = -Infinity;
  let stopped: Promise<void> | undefined;

  const server = createServer({
    headersTimeout: deadlines.headersMs,
    // Node knows one for all routes only.
    requestTimeout: 0,
    connectionsCheckingInterval: deadlines.checkEveryMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  // No limit but their 16 KiB: node has dropped what is beyond a count in silence, be it the header that tells of a proxy.
  server.maxHeadersCount = 0;
  server.maxRequestsPerSocket = 10_000;
  server.timeout = deadlines.idleMs;
  server.maxConnections = maxConnections;
  server.on('drop', () => {
    if (clock.monotonic() - refusalToldAt < REFUSALS_TOLD_EVERY_MS) return;
    refusalToldAt = clock.monotonic();
    logger.warn({ connections: maxConnections }, 'http.connections_refused');
  });

  /** Connections that are between requests, or never sent one, would keep a stopping server open. */
  const closeRest = () => {
    if (stopped && answering.length === 0) server.closeAllConnections();
  };

  const answer: RequestListener = (req, res) => {
    answering.push(res);
    markLatest(res);
    if (retired) res.setHeader('Connection', 'close');
    res.once('close', () => {
      answering.splice(answering.indexOf(res), 1);
      if (stopped) setImmediate(closeRest);
    });
    const { socket } = req;
    const onLate = () => {
      const error = Object.assign(new Error('The body did not arrive in time.'), { code: TOO_SLOW });
      answerClientError(error, { socket, requestIds });
    };
    setDeadline(req, { ms: deadlines.requestMs, onLate });
    deps.handler(req, res);
  };
  const begin = inTurn(answer);
  server.on('request', begin);
  server.on('checkContinue', (req, res) => {
    holdContinue(req, res);
    begin(req, res);
  });
  // Any other expectation is none of ours, and need not be met (RFC 9110 §10.1.1); node would refuse it without a word.
  server.on('checkExpectation', begin);
  server.on('clientError', (error, socket) => answerClientError(error, { socket, requestIds }));

  const retire = () => {
    if (retired) return;
    retired = true;
    for (const res of answering) if (!res.headersSent) res.setHeader('Connection', 'close');
  };

  return {
    retire,
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          // A failed accept (no file descriptor left) is one connection lost, not the process.
          server.on('error', (error) => logger.error({ error: error.message }, 'http.server_error'));
          resolve();
        });
      }),

    stop() {
      retire();
      stopped ??= new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), deadlines.stopMs);
        // Called with an error when it never listened; then there is nothing to wait for either.
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
      });
      closeRest();
      return stopped;
    },

    address() {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('The API does not listen yet.');
      return { host: address.address, port: address.port };
    },
  };
}
