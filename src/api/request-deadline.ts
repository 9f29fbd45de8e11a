import type { IncomingMessage } from 'node:http';

const LIFT = Symbol('lift');

/** Its deadline stands on the request itself; see the listener for what a map of requests would cost. */
type TimedRequest = IncomingMessage & { [LIFT]?: () => void };

/** Calls back when the body of the request has not arrived in time, counted from its headers. */
export function setDeadline(req: TimedRequest, { ms, onLate }: { ms: number; onLate: () => void }): void {
  liftDeadline(req);
  if (req.complete || req.closed || !announcesBody(req)) return;
  const timer = setTimeout(() => {
    if (!req.complete) onLate();
  }, ms);
  // A request that was answered before its body came is never closed, and must not keep a stopping process.
  timer.unref();
  const lift = () => clearTimeout(timer);
  req[LIFT] = lift;
  req.once('close', lift);
}

/** For a route that takes as long as the client keeps sending, and watches over that itself. */
export function liftDeadline(req: TimedRequest): void {
  req[LIFT]?.();
}

const announcesBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
