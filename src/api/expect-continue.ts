import type { IncomingMessage, ServerResponse } from 'node:http';

const ASK = Symbol('ask');

/** How to ask for its body stands on the request itself; see the listener for what a map of requests would cost. */
type AskedFor = IncomingMessage & { [ASK]?: () => void };

/** For a client that sends no body before it is asked to (RFC 9110 §10.1.1). */
export function holdContinue(req: AskedFor, res: ServerResponse): void {
  req[ASK] = () => res.writeContinue();
}

/** To be called when nothing stands against the request but what its body may say. */
export function askForBody(req: AskedFor): void {
  req[ASK]?.();
}
