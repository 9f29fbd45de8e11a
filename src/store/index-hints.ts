import { sql, type RawBuilder } from 'kysely';

/** The indexes of `timers` that statements name; a planner left to itself takes another one as tables grow. */
export type TimersIndex = 'PRIMARY' | 'wake' | 'listed' | 'labelled';

/** How an engine is told which index to take and in which order to join. */
export interface IndexHints {
  index(name: TimersIndex): RawBuilder<unknown>;
  /** Joins the table on its right to every row from its left, in the order of the left. */
  joinInOrder: RawBuilder<unknown>;
  /** INSERT that leaves a row alone which is there already. */
  insertIfAbsent: RawBuilder<unknown>;
}

export const mysqlHints: IndexHints = {
  index: (name) => sql.raw(`FORCE INDEX (${name})`),
  joinInOrder: sql.raw('STRAIGHT_JOIN'),
  insertIfAbsent: sql.raw('INSERT IGNORE'),
};

export const sqliteHints: IndexHints = {
  index: (name) => sql.raw(`INDEXED BY ${name === 'PRIMARY' ? 'sqlite_autoindex_timers_1' : name}`),
  joinInOrder: sql.raw('CROSS JOIN'),
  insertIfAbsent: sql.raw('INSERT OR IGNORE'),
};
