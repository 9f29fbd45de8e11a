/** Headers of the connection, of the client that keeps it, and those that receivers check us by. */
const RESERVED = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const RESERVED_PREFIXES = ['webhook-', 'punctual-', 'proxy-'];

/** Whether a timer's own headers may not name this one; where they do, it is not sent. Takes any case. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED.has(lower) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix));
}
