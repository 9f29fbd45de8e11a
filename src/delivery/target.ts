import { isIP } from 'node:net';
import { DENIED_PORTS } from './denied-ports.ts';
import { isClosedName, isHostName } from './host-name.ts';
import { TARGET_REFUSALS } from './target-refusals.ts';

/** A URL that is spelled as it may be; whether its host may be called is another question. */
export interface Target {
  origin: string;
  secure: boolean;
  /** Host and port as in the URL, the scheme's own port left out. */
  host: string;
  /** Name in lower case, or address without brackets. */
  hostname: string;
  isAddress: boolean;
  port: number;
  path: string;
  /** Empty, or with its question mark. */
  query: string;
}

const LONGEST_URL = 2048;
const AUTHORITY = /^https?:\/\/([^/?#]+)/i;
const HOST_AND_PORT = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::([1-9]\d{0,4}))?$/i;

/**
 * Checks the text before `new URL()` does: that drops tabs and line feeds, turns `\` into `/`, and reads `0x7f.1` as an
 * address. What it would have to repair is refused, so that nothing is called that the client did not see itself writing.
 */
export function parseTarget(text: string): { target: Target } | { refusal: string } {
  const refuse = (reason: keyof typeof TARGET_REFUSALS) => ({ refusal: TARGET_REFUSALS[reason] });

  if (text.length === 0 || text.length > LONGEST_URL) return refuse('length');
  if (!/^[\x21-\x7e]+$/.test(text) || text.includes('\\')) return refuse('characters');
  const authority = AUTHORITY.exec(text)?.[1];
  if (authority === undefined) return refuse('scheme');
  if (authority.includes('@')) return refuse('userinfo');
  if (text.includes('#')) return refuse('fragment');

  const rawHost = HOST_AND_PORT.exec(authority)?.[1]?.toLowerCase();
  if (rawHost === undefined || !URL.canParse(text)) return refuse('host');
  const url = new URL(text);
  const isBracketed = rawHost.startsWith('[');
  const hostname = isBracketed ? url.hostname.slice(1, -1) : url.hostname;
  const isAddress = isIP(hostname) !== 0;
  if (!isBracketed && hostname !== rawHost) return refuse('host');
  if (!isAddress && (!isHostName(hostname) || (hostname !== 'localhost' && isClosedName(hostname))))
    return refuse('host');

  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  if (DENIED_PORTS.has(port)) return refuse('port');
  return {
    target: {
      origin: url.origin,
      secure,
      host: url.host,
      hostname,
      isAddress,
      port,
      path: url.pathname,
      query: url.search,
    },
  };
}
