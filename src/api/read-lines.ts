import type { IncomingMessage } from 'node:http';
import type { Clock } from '../platform/index.ts';
import { appendBytes, roomFor } from './append-bytes.ts';
import { askForBody } from './expect-continue.ts';
import { Problem } from './problem.ts';

export interface Line {
  /** Counted from 1. */
  number: number;
  /** Without its line feed; null for a line that is too long, which is read past and not kept. */
  bytes: Buffer | null;
}

const LINE_FEED = 10;

/**
 * The lines of a body as they arrive, those of each piece together. The next piece is read only when the caller comes back
 * for it, so a slow caller slows the client down. Throws a `Problem` when no byte comes for `idleMs`.
 */
export async function* readLines(
  req: IncomingMessage,
  { maxLineBytes, idleMs, clock }: { maxLineBytes: number; idleMs: number; clock: Pick<Clock, 'after'> },
): AsyncGenerator<Line[]> {
  askForBody(req);
  const pieces = req.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>;
  let number = 0;
  /** The beginning of a line whose end is still to come; its first bytes, as many as have come of it. */
  let begun: Buffer = Buffer.alloc(0);
  let begunBytes = 0;

  const lineOf = (end: Buffer): Line => {
    const isTooLong = begunBytes + end.length > maxLineBytes;
    const bytes = isTooLong ? null : begunBytes === 0 ? end : Buffer.concat([begun.subarray(0, begunBytes), end]);
    begunBytes = 0;
    return { number: ++number, bytes };
  };
  const keep = (end: Buffer) => {
    // Copied, so that a few bytes do not keep the whole piece in memory.
    const size = begunBytes;
    begunBytes += end.length;
    if (begunBytes > maxLineBytes) return;
    const room = roomFor(begunBytes, { has: begun.length, most: maxLineBytes });
    begun = appendBytes(begun, end, { size, room });
  };

  for (let piece = await next(); piece !== undefined; piece = await next()) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end !== -1; end = piece.indexOf(LINE_FEED, start)) {
      lines.push(lineOf(piece.subarray(start, end)));
      start = end + 1;
    }
    keep(piece.subarray(start));
    yield lines;
  }
  if (begunBytes > 0) yield [lineOf(Buffer.alloc(0))];

  async function next(): Promise<Buffer | undefined> {
    let cancel = () => {};
    const idle = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(idleMs, () => reject(new Problem('request_timeout', `No byte came for ${idleMs} ms.`)));
    });
    const piece = pieces.next().catch((cause: unknown) => {
      throw new Problem('request_timeout', 'The client left.', { cause });
    });
    try {
      return (await Promise.race([piece, idle])).value;
    } finally {
      cancel();
      // It settles when the connection goes, long after anybody waits for it.
      piece.catch(() => undefined);
    }
  }
}
