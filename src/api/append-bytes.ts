/**
 * How large a buffer of so many bytes becomes to hold `needed`: it doubles, as far as `most`. A list of pieces would take up to
 * 300 bytes for each, and a client may send one byte at a time.
 */
export const roomFor = (needed: number, { has, most }: { has: number; most: number }): number =>
  needed <= has ? has : Math.max(needed, Math.min(2 * needed, most));

/** The first `size` bytes of `held` and the piece behind them, in `held` itself where that has the room. */
export function appendBytes(held: Buffer, piece: Buffer, { size, room }: { size: number; room: number }): Buffer {
  const roomy = room === held.length ? held : Buffer.allocUnsafe(room);
  if (roomy !== held) held.copy(roomy, 0, 0, size);
  piece.copy(roomy, size);
  return roomy;
}
