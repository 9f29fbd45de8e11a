import { sql, type Kysely } from 'kysely';
import { NEW_RUN, Refusal, type Timer, type TimerQuery } from '../timers/index.ts';
import { holdKeys } from './hold-keys.ts';
import type { IndexHints } from './index-hints.ts';
import type { KeyTables } from './key-tables.ts';
import { ownedKey } from './keyed-plan.ts';
import { all, matches, type Condition } from './list-filters.ts';
import { ATTEMPT_COLUMNS } from './result-rows.ts';
import type { Database, TimerRow } from './schema.ts';
import { columnOf, NOT_TRIED } from './timer-row.ts';
import { bytesToUuid, sortedIds } from './uuid-bytes.ts';

const notTried: Partial<TimerRow> = NOT_TRIED;

/** `NEW_RUN` as a change of one timer writes it; see `toRow`. */
const newRun = Object.entries(NEW_RUN).map(([field, value]) => {
  const column = columnOf(field);
  return sql`${sql.ref(column)} = ${value ?? notTried[column] ?? null}`;
});

/** See `isErased`. */
export const hasPayload = sql`body IS NOT NULL OR body_bytes = 0`;

/**
 * Begins new runs, within a transaction. Keys are locked before timers, as inserts under keys do: whichever of the two comes
 * second sees what the first has made of a key.
 */
export async function replayAll(
  db: Kysely<Database>,
  hints: IndexHints,
  tables: Pick<KeyTables, 'holdTimerKeys'>,
  { ids, query, dueAt }: { ids: string[]; query: TimerQuery; dueAt: number },
): Promise<number> {
  const isMeant = (some: string[]): Condition =>
    all([
      sql`t.id IN (${sql.join(sortedIds(some))})`,
      sql`t.status IN ('done', 'failed', 'unknown')`,
      sql`(${hasPayload})`,
      matches(query),
    ]);
  const { rows } = await sql<Pick<TimerRow, 'id' | 'owner' | 'timer_key'>>`
    SELECT t.id, t.owner, t.timer_key FROM timers AS t ${hints.index('PRIMARY')} WHERE ${isMeant(ids)}`.execute(db);
  const meant = rows.map((row) => ({ id: bytesToUuid(row.id), owner: row.owner, key: row.timer_key }));
  const latest = await latestOfKeys(tables, meant);
  if (latest.length === 0) return 0;
  await keepFirstTries(db, hints, latest);
  const { numAffectedRows } = await sql`
    UPDATE timers AS t ${hints.index('PRIMARY')}
       SET status = 'waiting', due_at = ${dueAt}, next_attempt_at = ${dueAt}, wake_at = ${dueAt}, run = run + 1, fence = fence + 1,
           ${sql.join(newRun)}
     WHERE ${isMeant(latest)}`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/**
 * Those that have no key, or are what it stands for: only these can still be moved by it. A key whose last timer was purged
 * goes to the latest of them.
 */
async function latestOfKeys(
  tables: Pick<KeyTables, 'holdTimerKeys'>,
  timers: Pick<Timer, 'id' | 'owner' | 'key'>[],
): Promise<string[]> {
  const keys = await holdKeys(
    tables,
    timers.toSorted((a, b) => (a.id < b.id ? 1 : -1)),
  );
  return timers
    .filter(({ id, owner, key }) => key === null || keys.get(ownedKey(owner, key)) === id)
    .map(({ id }) => id);
}

/** Within the transaction of a replay, before it: throws where the key of the timer stands for another one by now. */
export async function refuseSuperseded(tables: Pick<KeyTables, 'holdTimerKeys'>, timer: Timer): Promise<void> {
  const [latest = timer.id] = (await holdKeys(tables, [timer])).values();
  if (latest === timer.id) return;
  throw new Refusal(
    'superseded',
    `Under one key at most one timer waits, and the key of this one stands for another by now: ${latest}.`,
  );
}

/** A first-try success is told by the timer's own columns, which a new run clears. Its fence keeps it from being told twice. */
export async function keepFirstTries(db: Kysely<Database>, hints: IndexHints, ids: string[]): Promise<void> {
  const told = sql.raw(ATTEMPT_COLUMNS.join(', '));
  await sql`
    ${hints.insertIfAbsent} INTO attempts (timer_id, fence, run, attempt, ${told})
    SELECT id, fence, run, attempts, ${told}
      FROM timers AS t ${hints.index('PRIMARY')}
     WHERE t.id IN (${sql.join(sortedIds(ids))}) AND t.status = 'done' AND t.attempts = 1`.execute(db);
}
