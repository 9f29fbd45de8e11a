import type { DestinationReport, DestinationStore } from '../timers/index.ts';
import type { Run } from './run.ts';
import { uuidToBytes } from './uuid-bytes.ts';

/** `onScheduler` runs what schedulers do, `onApi` what requests do. */
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
