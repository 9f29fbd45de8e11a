import { z } from 'zod';

const MAX_HEADERS = 50;
const MAX_BYTES = 8192;
/** RFC 9110 §5.1. */
const NAME = /^[\w!#$%&'*+.^`|~-]{1,128}$/;
/** RFC 9110 §5.5, without obs-text: what is beyond ASCII arrives differently at every receiver. Blanks at the ends would be lost. */
const VALUE = /^(?:[!-~](?:[\t -~]*[!-~])?)?$/;

/** Whatever a name like this carries is not shown again. */
const SECRET =
  /(?:^|[-_])(?:authorization|auth|cookie|token|secret|password|signature|credentials?|(?:api|access|subscription)[-_]?key|apikey)(?:$|[-_])/i;

/** A client's own headers, as a field of a request. Which names are not for clients is known to whoever sends them. */
export const headerFields = z
  .custom<Record<string, string>>()
  .check(({ value, issues }) => {
    const fault = faultOf(value);
    if (fault) issues.push({ code: 'custom', input: value, ...fault });
  })
  .meta({
    override: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: MAX_HEADERS },
    description:
      'Up to 50 headers, 8 KiB in all; not those of the connection, nor `host`, `content-length`, `webhook-*` and ' +
      '`punctual-*`. Values that look like secrets are stored, but shown as `***`.',
  });

function faultOf(headers: unknown): { path: string[]; message: string } | undefined {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    return { path: [], message: 'must be a JSON object' };
  }
  const names = Object.keys(headers);
  if (names.length > MAX_HEADERS) return { path: [], message: `must have ${MAX_HEADERS} names or less` };
  const seen = new Set<string>();
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    const refuse = (message: string) => ({ path: [name], message });
    if (!NAME.test(name)) return refuse('is no header name (RFC 9110)');
    if (typeof value !== 'string') return refuse('must be a string');
    if (!VALUE.test(value)) return refuse('must be printable ASCII without blanks at its ends');
    if (seen.has(name.toLowerCase())) return refuse('is given twice; names are the same in upper and lower case');
    seen.add(name.toLowerCase());
    bytes += name.length + value.length;
  }
  return bytes > MAX_BYTES ? { path: [], message: `must be ${MAX_BYTES} bytes or less in all` } : undefined;
}

/** The headers as they may be shown to whoever reads the timer. */
export function maskSecrets(headers: Record<string, string> | null): Record<string, string> | null {
  if (headers === null) return null;
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, SECRET.test(name) ? '***' : value]));
}
