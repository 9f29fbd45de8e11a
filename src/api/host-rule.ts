import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.ts';

const LOOPBACK = /^(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * While webhooks may reach loopback, whoever talks to us can make this machine call itself. A web page can do so by DNS
 * rebinding (its own name, pointed at 127.0.0.1, stays in `Host`), the outside world through a proxy on this machine
 * (which mostly says so in its headers, or speaks HTTP/1.0, as nginx long did unless told otherwise). Both are refused. A proxy
 * that gives itself no sign at all cannot be told from a client.
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

const OF_PROXIES = /^(?:forwarded|via|x-real-ip|x-forwarded-.*)$/;

function isForwarded(req: IncomingMessage): boolean {
  if (req.httpVersion === '1.0') return true;
  for (const name in req.headers) if (OF_PROXIES.test(name)) return true;
  return false;
}
