import type { IncomingMessage } from 'node:http';
import { appendBytes } from './append-bytes.ts';
import { refuseOtherTypes } from './media-type.ts';
import { Problem } from './problem.ts';

/** Largest request for one timer. */
export const MAX_TIMER_BYTES = 128 * 1024;
/** How much more than allowed is swallowed so that the client gets to read its 413, before we hang up. */
const GRACE_BYTES = 1024 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** The body as JSON of any kind. Throws a `Problem` when it is none, too large, compressed or of another type. */
export async function readJson(req: IncomingMessage, { maxBytes }: { maxBytes: number }): Promise<unknown> {
  refuseOtherTypes(req.headers, { type: 'application/json', name: 'JSON' });
  const bytes = await readBytes(req, maxBytes);
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (error) {
    throw new Problem('malformed_json', malformation(bytes), { cause: error });
  }
}

function readBytes(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const announced = Number(req.headers['content-length']);
    const most = Number.isNaN(announced) ? maxBytes : announced;
    let bytes = NOTHING;
    let size = 0;
    let isRefused = false;
    const refuse = () => {
      isRefused = true;
      bytes = NOTHING;
      reject(new Problem('too_large', `The body is larger than ${maxBytes} bytes.`));
    };

    if (announced > maxBytes) refuse();
    req.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size > maxBytes + GRACE_BYTES) return void req.destroy();
      if (isRefused) return;
      if (size > maxBytes) return refuse();
      // Most bodies come in one piece.
      if (piece.length === announced) bytes = piece;
      else bytes = appendBytes(bytes, piece, { size: size - piece.length, most });
    });
    req.on('end', () => resolve(bytes.length === size ? bytes : bytes.subarray(0, size)));
    // The client left, or the server's own deadline cut it off: nobody reads the answer, the log does.
    req.on('error', (cause) => reject(new Problem('request_timeout', 'The body did not arrive.', { cause })));
  });
}

function malformation(bytes: Buffer): string {
  if (bytes.length === 0) return 'The body is empty; it must be a JSON object.';
  return 'The body is not valid JSON in UTF-8.';
}
