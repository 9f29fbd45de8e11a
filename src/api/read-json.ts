import type { IncomingMessage } from 'node:http';
import { appendBytes, roomFor } from './append-bytes.ts';
import { overloaded, type BodyBudget } from './body-budget.ts';
import { askForBody } from './expect-continue.ts';
import { createJsonBounds, type JsonBounds } from './json-bounds.ts';
import { refuseOtherTypes } from './media-type.ts';
import { Problem } from './problem.ts';

/** Largest request for one timer. */
export const MAX_TIMER_BYTES = 128 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** How much of a body is read, and from what budget of memory. */
interface BodyLimits {
  maxBytes: number;
  bodies: BodyBudget;
}

/** The body as JSON of any kind. Throws a `Problem` when it is none, too large, too much, compressed or of another type. */
export async function readJson(req: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  refuseOtherTypes(req.headers, { type: 'application/json', name: 'JSON' });
  const bytes = await readBytes(req, limits);
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (error) {
    throw new Problem('malformed_json', malformation(bytes), { cause: error });
  }
}

function readBytes(req: IncomingMessage, { maxBytes, bodies }: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const announced = Number(req.headers['content-length']);
    let bytes = NOTHING;
    let size = 0;
    let held = 0;
    let looked = 0;
    let bounds: JsonBounds | undefined;
    let isRefused = false;

    const letGo = () => {
      bodies.give(held);
      held = 0;
      bytes = NOTHING;
    };
    const refuse = (problem: Problem) => {
      isRefused = true;
      letGo();
      reject(problem);
    };
    const look = () => {
      bounds ??= createJsonBounds();
      const problem = bounds(bytes.subarray(looked, size));
      looked = size;
      if (problem !== undefined) refuse(problem);
    };
    const gather = (piece: Buffer) => {
      // A body that says how long it is gets all of its room at once, so that it is not refused when half of it has been sent.
      const room = Number.isNaN(announced) ? roomFor(size, { has: bytes.length, most: maxBytes }) : announced;
      const more = room - bytes.length;
      if (bodies.take(more, room)) {
        held += more;
        bytes = appendBytes(bytes, piece, { size: size - piece.length, room });
        // What is no larger than a timer is parsed fast, whatever it is.
        if (size > MAX_TIMER_BYTES) look();
      } else {
        refuse(overloaded());
      }
    };

    if (announced > maxBytes) refuse(tooLarge(maxBytes));
    else askForBody(req);
    req.on('data', (piece: Buffer) => {
      size += piece.length;
      if (isRefused) return;
      else if (size > maxBytes) refuse(tooLarge(maxBytes));
      // Most bodies come in one piece, and what is there as a whole is parsed before anything else is read.
      else if (piece.length === announced && size <= MAX_TIMER_BYTES) bytes = piece;
      else gather(piece);
    });
    req.on('end', () => {
      const whole = bytes.length === size ? bytes : bytes.subarray(0, size);
      letGo();
      resolve(whole);
    });
    // The client left, or the server's own deadline cut it off: nobody reads the answer, the log does.
    req.on('error', (cause) => refuse(new Problem('request_timeout', 'The body did not arrive.', { cause })));
  });
}

const tooLarge = (maxBytes: number) =>
  new Problem('too_large', `The body is larger than ${maxBytes} bytes.`, { headers: { Connection: 'close' } });

function malformation(bytes: Buffer): string {
  if (bytes.length === 0) return 'The body is empty; it must be a JSON object.';
  return 'The body is not valid JSON in UTF-8.';
}
