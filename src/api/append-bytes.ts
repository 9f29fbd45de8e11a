/**
 * The first `size` bytes of `held` and the piece behind them: in `held` where there is room, else in a buffer twice as large,
 * but never larger than `most`. A list of pieces would take up to 300 bytes for each, and a client may send one byte at a time.
 */
export function appendBytes(held: Buffer, piece: Buffer, { size, most }: { size: number; most: number }): Buffer {
  const needed = size + piece.length;
  const roomy = needed <= held.length ? held : Buffer.allocUnsafe(Math.max(needed, Math.min(2 * needed, most)));
  if (roomy !== held) held.copy(roomy, 0, 0, size);
  piece.copy(roomy, size);
  return roomy;
}
