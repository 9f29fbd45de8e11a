import { setTimeout as delay } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import { Refusal, type Timer, type TimerStore } from '../../timers/index.ts';
import { createCoalescer } from '../coalescer.ts';
import type { Database } from '../schema.ts';
import { toResultRows } from '../result-rows.ts';
import { fromRow, toRow } from '../timer-row.ts';
import { bytesToUuid, uuidToBytes } from '../uuid-bytes.ts';
import { claim, pulse, releaseClaim, type LockingClause } from './claim.ts';
import { classify } from './errors.ts';
import { insertRows } from './insert.ts';
import { findLost, recordResults } from './record.ts';

const MAX_REPEATS = 5;
const MAX_REPEAT_WAIT_MS = 50;
/** A second try on a fresh connection is made only while both together stay within the API's 5 s. */
const RECONNECT_WITHIN_MS = 500;

/**
 * `api` and `engine` are connections of their own, so that requests cannot starve the scheduler. Both are closed with the
 * store.
 */
export function createMysqlStore(deps: {
  api: Kysely<Database>;
  engine: Kysely<Database>;
  lockingClause: LockingClause;
}): TimerStore {
  const { api, engine, lockingClause } = deps;

  const inserts = createCoalescer<Timer>({
    send: (timers) => persistently((again) => insertRows(api, timers.map(toRow), again)),
    maxItems: 1000,
    isStoreFault: (error) => error instanceof Refusal,
  });

  return {
    readClock: () =>
      persistently(async () => {
        const { rows } = await sql<{ now: string }>`SELECT UNIX_TIMESTAMP(NOW(6)) * 1000 AS now`.execute(api);
        return Number(rows[0]?.now);
      }),
    insert: (timers) => inserts.add(timers),
    find: (id) =>
      persistently(async () => {
        const row = await api.selectFrom('timers').selectAll().where('id', '=', uuidToBytes(id)).executeTakeFirst();
        return row && fromRow(row);
      }),
    readBody: ({ id, claimId }) =>
      persistently(async () => {
        const row = await engine
          .selectFrom('timers')
          .select('body')
          .where('id', '=', uuidToBytes(id))
          .where('claim_id', '=', uuidToBytes(claimId))
          .executeTakeFirst();
        return row?.body ?? undefined;
      }),
    pulse: (query) => persistently(() => pulse(engine, query)),
    // Never a second time on a new connection: the first may have taken rows already.
    claim: (query) => persistently(() => claim(engine, query, lockingClause), { reconnect: false }),
    releaseClaim: (held) => persistently(() => releaseClaim(engine, held)),
    record: (results) =>
      persistently(async () => {
        const rows = toResultRows(results);
        if ((await recordResults(engine, rows)) === rows.length) return [];
        return (await findLost(engine, rows)).map((id) => bytesToUuid(Buffer.from(id, 'hex')));
      }),
    close: async () => {
      await Promise.all([api.destroy(), engine.destroy()]);
    },
  };
}

/** Does again what the database rolled back, and once more on a new connection what a broken one may have lost. */
async function persistently<T>(
  operation: (again: boolean) => Promise<T>,
  { reconnect }: { reconnect: boolean } = { reconnect: true },
): Promise<T> {
  const startedAt = performance.now();
  for (let tries = 1, reconnects = 0; ; tries++) {
    try {
      return await operation(tries > 1);
    } catch (error) {
      const kind = classify(error);
      if (kind === 'bug') throw error;
      const repeat = kind === 'repeat' && tries <= MAX_REPEATS;
      const retry =
        kind === 'reconnect' && reconnect && reconnects++ === 0 && performance.now() - startedAt < RECONNECT_WITHIN_MS;
      if (!repeat && !retry) throw new Refusal('store_unavailable', 'The database is not available.', { cause: error });
      await delay(Math.random() * MAX_REPEAT_WAIT_MS);
    }
  }
}
