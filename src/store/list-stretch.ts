import { sql, type Kysely } from 'kysely';
import type { TimerQuery } from '../timers/index.ts';
import type { IndexHints } from './index-hints.ts';
import { matches, type Condition } from './list-filters.ts';
import type { Walk } from './list-walks.ts';
import { listedColumns, type ListedRow } from './listed-row.ts';
import type { Database } from './schema.ts';

/** 1 where it is so. `is_last`: the last entry of the step, returned whether it matches or not. */
export type WalkedRow = ListedRow & { matching: number; is_last: number };

/**
 * The first `step` entries of the stretch, and of these up to `limit` that match. No row `is_last` when the stretch, or
 * the page, ended before. The index is walked by itself first, so rows are read only until the page is full.
 */
export async function walkStretch(
  db: Kysely<Database>,
  hints: IndexHints,
  { walk, where, query, step, limit }: { walk: Walk; where: Condition; query: TimerQuery; step: number; limit: number },
): Promise<WalkedRow[]> {
  const orderBy = (prefix: string) =>
    sql.raw(walk.order.map((column) => `${prefix}${column} ${walk.direction}`).join(', '));
  const entries = sql`FROM timers ${hints.index(walk.index)} WHERE ${where} ORDER BY ${orderBy('')}`;
  const isMatch = matches(query);
  const { rows } = await sql<WalkedRow>`
    SELECT ${listedColumns}, CASE WHEN ${isMatch} THEN 1 ELSE 0 END AS matching,
           CASE WHEN t.id = edge.id THEN 1 ELSE 0 END AS is_last
      FROM (SELECT (SELECT id ${entries} LIMIT 1 OFFSET ${step - 1}) AS id) edge
      ${hints.joinInOrder} (SELECT ${sql.raw(walk.order.join(', '))} ${entries} LIMIT ${step}) walked
      ${hints.joinInOrder} timers AS t ${hints.index('PRIMARY')} ON t.id = walked.id
     WHERE (${isMatch}) OR t.id = edge.id
     ORDER BY ${orderBy('walked.')} LIMIT ${limit}`.execute(db);
  return rows;
}
