import { CompiledQuery } from 'kysely';
import type { Db } from './mysql-under-test.ts';

export interface PlanRow {
  select_type: string;
  table: string | null;
  type: string | null;
  key: string | null;
  Extra: string | null;
}

/** How the server would go about those of the statements that read, a row for each table. */
export async function explain(db: Db, sent: CompiledQuery[]): Promise<{ sql: string; rows: PlanRow[] }[]> {
  const plans: { sql: string; rows: PlanRow[] }[] = [];
  for (const { sql, parameters } of sent.filter(({ sql: text }) => /\b(FROM|UPDATE|JOIN|from)\b/.test(text))) {
    const query = CompiledQuery.raw(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, [...parameters]);
    plans.push({ sql: sql.slice(0, 200), rows: (await db.executeQuery<PlanRow>(query)).rows });
  }
  return plans;
}

/** The same for what is sent meanwhile, within a transaction that comes to nothing; `sent` is what the connection collects. */
export async function explainRun(db: Db, sent: CompiledQuery[], run: (db: Db) => Promise<unknown>) {
  sent.length = 0;
  const transaction = await db.startTransaction().execute();
  await run(transaction);
  await transaction.rollback().execute();
  return explain(db, [...sent]);
}
