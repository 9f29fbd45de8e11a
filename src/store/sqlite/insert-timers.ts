import { CompiledQuery, type Kysely } from 'kysely';
import type { Database, TimerRow } from '../schema.ts';
import { insertTimer } from './statements.ts';

/** Within a transaction. A timer that is there already stays as it is. */
export async function insertTimers(db: Kysely<Database>, rows: TimerRow[]): Promise<void> {
  for (const row of rows) {
    const text = insertTimer(Object.keys(row) as (keyof TimerRow)[]);
    await db.executeQuery(CompiledQuery.raw(text, Object.values(row)));
  }
}
