import { sql, type RawBuilder } from 'kysely';
import type { TimerQuery } from '../timers/index.ts';

export type Condition = RawBuilder<unknown>;

export const all = (conditions: Condition[]): Condition => sql.join(conditions, sql` AND `);

/** What a timer has to fulfil to be meant, whichever index it is found by; about the table under the alias `t`. */
export function matches(query: TimerQuery): Condition {
  const { owner, action, status, label, origins, wakeFrom, wakeTo } = query;
  return all([
    sql`t.action = ${action}`,
    ...(owner === undefined ? [] : [isOwner(owner)]),
    ...(status === undefined ? [] : [sql`t.status = ${status}`]),
    ...(label === undefined ? [] : [isLabel(label)]),
    ...(origins === undefined ? [] : [sql`(${sql.join(origins.map(isOrigin), sql` OR `)})`]),
    ...(wakeFrom === undefined ? [] : [sql`t.wake_at >= ${wakeFrom}`]),
    ...(wakeTo === undefined ? [] : [sql`t.wake_at < ${wakeTo}`]),
  ]);
}

export const isOwner = (owner: string | null): Condition =>
  owner === null ? sql`t.owner IS NULL` : sql`t.owner = ${owner}`;

/** MySQL's collation takes a label for the same that has blanks at its end; nobody means to cancel that one too. */
const isLabel = (label: string): Condition => sql`CONCAT(t.label, '.') = ${`${label}.`}`;

/** URLs are kept as they were sent, so their schemes and hosts may be in capitals. */
const isOrigin = (origin: string): Condition =>
  sql`(LOWER(SUBSTR(t.url, 1, ${origin.length})) = ${origin} AND SUBSTR(t.url, ${origin.length + 1}, 1) IN ('', '/', '?'))`;
