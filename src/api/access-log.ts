import type { Request, Response } from 'express';
import type { Clock, Logger } from '../platform/index.ts';
import { requestIdOf } from './request-id.ts';

/**
 * One `request` line for every answer, at debug: at thousands a second a line each would cost more than the requests.
 * What went wrong on our side is told at any level. The route stands for the path, which may carry a client's own words.
 */
export function logWhenAnswered(
  req: Request,
  res: Response,
  { clock, logger }: { clock: Clock; logger: Logger },
): void {
  const startedAt = clock.monotonic();
  res.once('close', () => {
    const level = res.statusCode < 500 ? 'debug' : res.statusCode === 503 ? 'warn' : 'error';
    if (!logger.isLevelEnabled(level)) return;
    const route = req.route as { path: string } | undefined;
    logger[level](
      {
        request_id: requestIdOf(res),
        method: req.method,
        route: route?.path ?? null,
        status: res.statusCode,
        duration_ms: Math.round((clock.monotonic() - startedAt) * 10) / 10,
        // The client left before it had the whole answer; the status may be one that it never saw.
        ...(res.writableFinished ? {} : { aborted: true }),
      },
      'request',
    );
  });
}
