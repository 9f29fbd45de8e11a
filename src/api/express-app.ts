import type { RequestListener, ServerResponse } from 'node:http';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import type { Clock, Logger } from '../platform/index.ts';
import { Refusal } from '../timers/index.ts';
import { logWhenAnswered, noteCause, type Answered } from './access-log.ts';
import { sendProblem } from './answer.ts';
import { refuseForeignHost } from './host-rule.ts';
import { Problem, problemOf } from './problem.ts';
import { createRequestIds, giveRequestId, requestIdOf } from './request-id.ts';

export interface ExpressAppDeps {
  loopbackOnly: boolean;
  trustProxy: number | string[] | undefined;
  isStopping: () => boolean;
  clock: Clock;
  logger: Logger;
  onAnswered: (answer: Answered) => void;
  /** Routes that are served to whoever asks, always. */
  mountOpen: (app: Express) => void;
  mountGuarded: (app: Express) => void;
}

/** What every request passes on its way to a route, and every refusal on its way out. */
export function createExpressApp(deps: ExpressAppDeps): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', deps.trustProxy ?? false);

  app.use(begin(deps));
  deps.mountOpen(app);
  app.use(refuseAtTheDoor(deps));
  deps.mountGuarded(app);
  // Whatever no route answered comes out here; Express's own last handler would print errors and answer in HTML.
  return (req, res) => app(req as Request, res as Response, (error?: unknown) => refuse(error, res, deps));
}

function begin(deps: ExpressAppDeps): RequestHandler {
  const requestIds = createRequestIds();
  return (req, res, next) => {
    giveRequestId(req, res, requestIds);
    logWhenAnswered(req, res, deps);
    next();
  };
}

function refuseAtTheDoor({ loopbackOnly, isStopping }: ExpressAppDeps): RequestHandler {
  return (req, _res, next) => {
    if (loopbackOnly) refuseForeignHost(req);
    if (isStopping()) {
      throw new Problem('shutting_down', 'This replica is shutting down; ask another one.', {
        headers: { Connection: 'close' },
      });
    }
    next();
  };
}

function refuse(error: unknown, res: ServerResponse, { logger }: ExpressAppDeps): void {
  const problem = error ? problemOf(error) : new Problem('not_found', 'There is nothing at this path.');
  if (problem.code === 'internal_error') {
    // Only the stack: errors of drivers carry whole statements with the client's data in them.
    logger.error({ request_id: requestIdOf(res), error: stackOf(error) }, 'request.failed');
  }
  if (problem.code === 'store_unavailable') noteCause(res, codeBehind(problem));
  sendProblem(res, problem);
}

/** Of the error that the store met with. Codes quote nobody, as messages of databases do. */
function codeBehind(problem: Problem): string | undefined {
  let { cause } = problem;
  while (cause instanceof Refusal) ({ cause } = cause);
  return (cause as { code?: string } | undefined)?.code;
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : typeof error);
