import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.ts';

const LOOPBACK = /^(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * While webhooks may reach loopback, whoever talks to us can make this machine call itself. A web page can do so by DNS
 * rebinding (its own name, pointed at 127.0.0.1, stays in `Host`), the outside world through a proxy on this machine
 * (which says so in its headers). Both are refused.
 */
export function refuseForeignHost(req: IncomingMessage): void {
  const { host } = req.headers;
  // An absolute-form target overrides Host (RFC 9112 §3.2.2), and nobody but a proxy sends one.
  if (host !== undefined && LOOPBACK.test(host) && req.url?.startsWith('/') && !isForwarded(req)) return;
  throw new Problem(
    'host_not_allowed',
    'Without API keys this service answers only requests that come straight to a loopback address. ' +
      'Set API_KEYS to use it under another name or behind a proxy.',
  );
}

function isForwarded(req: IncomingMessage): boolean {
  for (const name in req.headers) {
    if (name === 'forwarded' || name.startsWith('x-forwarded-')) return true;
  }
  return false;
}
