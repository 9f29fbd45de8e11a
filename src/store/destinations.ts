import type { Kysely } from 'kysely';
import type { DestinationReport, DestinationStore } from '../timers/index.ts';
import type { Database } from './schema.ts';
import { uuidToBytes } from './uuid-bytes.ts';

export type Run = <T>(operation: (db: Kysely<Database>) => Promise<T>) => Promise<T>;

/** `onScheduler` runs what schedulers do, `onApi` what requests do; both turn faults of the store into refusals. */
export function createDestinationStore({ onScheduler, onApi }: { onScheduler: Run; onApi: Run }): DestinationStore {
  return {
    publishDestinations: ({ replica, now, reports }) =>
      onScheduler(async (db) => {
        const row = { replica: uuidToBytes(replica), told_at: now, reports: JSON.stringify(reports) };
        await db.replaceInto('destinations').values(row).execute();
      }),
    forgetDestinations: ({ replica, silentSince }) =>
      onScheduler(async (db) => {
        await db
          .deleteFrom('destinations')
          .where((row) => row.or([row('replica', '=', uuidToBytes(replica)), row('told_at', '<', silentSince)]))
          .execute();
      }),
    listDestinations: ({ toldSince }) =>
      onApi(async (db) => {
        const rows = await db.selectFrom('destinations').select('reports').where('told_at', '>=', toldSince).execute();
        return rows.flatMap(({ reports }) => JSON.parse(reports) as DestinationReport[]);
      }),
  };
}
