import type { ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { Clock, Logger } from '../platform/index.ts';
import { requestIdOf } from './request-id.ts';

/** What is told of every answer. */
export interface Answered {
  method: string;
  /** The pattern that the path matched, for the path may carry a client's own words; null where none did. */
  route: string | null;
  status: number;
  durationMs: number;
}

const CAUSE = Symbol('cause');
type Noted = ServerResponse & { [CAUSE]?: string | undefined };

/** Why it is answered as it is, for the log alone: the code of an error. */
export function noteCause(res: Noted, cause: string | undefined): void {
  res[CAUSE] = cause;
}

/**
 * One `request` line for every answer, at debug: at thousands a second a line each would cost more than the requests.
 * What went wrong on our side is told at any level.
 */
export function logWhenAnswered(
  req: Request,
  res: Response & Noted,
  { clock, logger, onAnswered }: { clock: Clock; logger: Logger; onAnswered: (answer: Answered) => void },
): void {
  const startedAt = clock.monotonic();
  res.once('close', () => {
    const route = (req.route as { path: string } | undefined)?.path ?? null;
    const durationMs = clock.monotonic() - startedAt;
    onAnswered({ method: req.method, route, status: res.statusCode, durationMs });
    const level = res.statusCode < 500 ? 'debug' : res.statusCode === 503 ? 'warn' : 'error';
    if (!logger.isLevelEnabled(level)) return;
    logger[level](
      {
        request_id: requestIdOf(res),
        method: req.method,
        route,
        status: res.statusCode,
        duration_ms: Math.round(durationMs * 10) / 10,
        ...(res[CAUSE] === undefined ? {} : { cause: res[CAUSE] }),
        // The client left before it had the whole answer; the status may be one that it never saw.
        ...(res.writableFinished ? {} : { aborted: true }),
      },
      'request',
    );
  });
}
