/** A statement stays far below the smallest usual max_allowed_packet (16 MiB), also with its bytes spelled in hex. */
const MAX_STATEMENT_BYTES = 4 * 1024 * 1024;
const MAX_STATEMENT_ROWS = 1000;
const ROW_BYTES = 1024;

/** As many of the rows at a time as one statement takes. `sizeOf` tells what may be long in a row: bytes as they are spelled. */
export function* chunksOf<Row>(rows: Row[], sizeOf: (row: Row) => number): Generator<Row[]> {
  let chunk: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    const rowBytes = ROW_BYTES + sizeOf(row);
    bytes += rowBytes;
    if (chunk.length > 0 && (bytes > MAX_STATEMENT_BYTES || chunk.length >= MAX_STATEMENT_ROWS)) {
      yield chunk;
      [chunk, bytes] = [[], rowBytes];
    }
    chunk.push(row);
  }
  if (chunk.length > 0) yield chunk;
}
