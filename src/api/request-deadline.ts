import type { IncomingMessage } from 'node:http';

const lifts = new WeakMap<IncomingMessage, () => void>();

/** Calls back when the body of the request has not arrived in time, counted from its headers. */
export function setDeadline(req: IncomingMessage, { ms, onLate }: { ms: number; onLate: () => void }): void {
  liftDeadline(req);
  if (req.complete || req.closed || !announcesBody(req)) return;
  const timer = setTimeout(() => {
    if (!req.complete) onLate();
  }, ms);
  // A request that was answered before its body came is never closed, and must not keep a stopping process.
  timer.unref();
  const lift = () => clearTimeout(timer);
  lifts.set(req, lift);
  req.once('close', lift);
}

/** For a route that takes as long as the client keeps sending, and watches over that itself. */
export function liftDeadline(req: IncomingMessage): void {
  lifts.get(req)?.();
}

const announcesBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
