import { sql, type RawBuilder } from 'kysely';
import { toHex } from '../uuid-bytes.ts';

/**
 * Rows as a table `r`, to join others to one by one: for a long IN MySQL walks, and locks, the whole of a small table, even
 * with the index forced. They travel as one JSON text, and the server reads them by the types of the columns. Rows are
 * arrays: to look each member up by its name cost the server more than to write the row.
 */
export function jsonTable(columns: Record<string, string>, rows: unknown[][]): RawBuilder<unknown> {
  const list = Object.entries(columns).map(([name, type], at) => `${name} ${type} PATH '$[${at}]'`);
  return sql`JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (${sql.raw(list.join(', '))})) r`;
}

/** Ids of timers or of objects, in hex. */
export const idTable = (ids: Uint8Array[]): RawBuilder<unknown> =>
  jsonTable(
    { id: 'VARCHAR(1200)' },
    ids.map((id) => [toHex(id)]),
  );
