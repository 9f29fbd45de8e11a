import { sql, type RawBuilder } from 'kysely';

/** Ids as a table `r` to join others to row by row: for a long IN MySQL walks all of a small table, even with the index forced. */
export const idTable = (rows: { id: Uint8Array }[]): RawBuilder<unknown> => sql`
  JSON_TABLE(${JSON.stringify(rows.map(({ id }) => Buffer.from(id).toString('hex')))}, '$[*]' COLUMNS (
    id VARCHAR(1200) PATH '$')) r`;
