import type { IncomingHttpHeaders } from 'node:http';
import { MIMEType } from 'node:util';
import { Problem } from './problem.ts';

/** Refuses a body that is compressed, or of another type than the one given in UTF-8. */
export function refuseOtherTypes(headers: IncomingHttpHeaders, { type, name }: { type: string; name: string }): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported_media_type', `Compressed bodies are not accepted; send the ${name} as it is.`, {
      headers: { 'Accept-Encoding': 'identity' },
    });
  }
  const given = headers['content-type'];
  if (given !== type && !isUtf8(given, type)) {
    throw new Problem(
      'unsupported_media_type',
      `The body must be ${name} in UTF-8, sent with the header "Content-Type: ${type}".`,
    );
  }
}

function isUtf8(given: string | undefined, type: string): boolean {
  if (given === undefined) return false;
  try {
    const { essence, params } = new MIMEType(given);
    return essence === type && (params.get('charset') ?? 'utf-8').toLowerCase() === 'utf-8';
  } catch {
    return false;
  }
}
