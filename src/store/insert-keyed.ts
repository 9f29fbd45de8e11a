import type { Kysely } from 'kysely';
import type { KeyedResult, KeyedTimer, Timer } from '../timers/index.ts';
import { holdKeys } from './hold-keys.ts';
import { inOrder, toBytes, toText, type KeyTables } from './key-tables.ts';
import {
  isAnswered,
  ownedKey,
  planKeyed,
  type KeyedPlan,
  type StandingRecord,
  type StandingTimer,
} from './keyed-plan.ts';
import type { Database, IdempotencyKeyRow } from './schema.ts';
import { toRow } from './timer-row.ts';
import { bytesToUuid, uuidToBytes } from './uuid-bytes.ts';

/**
 * Stores timers that come with keys, within the transaction that `db` is. Whoever comes second under one key waits at its
 * row for the few milliseconds that the first needs to commit, and then sees what became of it.
 */
export async function insertKeyed(
  { db, tables }: { db: Kysely<Database>; tables: KeyTables },
  entries: KeyedTimer[],
): Promise<KeyedResult[]> {
  const records = await holdRecords(tables, entries);
  const open = entries.filter((entry) => !isAnswered(entry, recordOf(entry, records)));
  const { keys, timers } = await holdKeyed(tables, open);
  const plan = planKeyed(entries, { records, timers });
  await writeRecords(db, plan);
  await writePointers(db, plan, keys);
  for (const timer of byId(plan.changes)) await writeChange(db, timer);
  await tables.insertTimers([...plan.inserts.values()].map(toRow));
  return plan.results;
}

const recordOf = ({ timer, idempotency }: KeyedTimer, records: ReadonlyMap<string, StandingRecord>) =>
  idempotency === null ? undefined : records.get(ownedKey(timer.owner, idempotency.key));

async function holdRecords(tables: KeyTables, entries: KeyedTimer[]): Promise<Map<string, StandingRecord>> {
  const proposed = new Map<string, IdempotencyKeyRow>();
  for (const { timer, idempotency } of entries) {
    if (idempotency === null || proposed.has(ownedKey(timer.owner, idempotency.key))) continue;
    proposed.set(ownedKey(timer.owner, idempotency.key), {
      owner: toBytes(timer.owner ?? ''),
      idem_key: toBytes(idempotency.key),
      timer_id: uuidToBytes(timer.id),
      request_hash: idempotency.requestHash,
      answer: idempotency.answerOf({ kind: 'created', timer }),
      expires_at: idempotency.expiresAt,
    });
  }
  const rows = proposed.size === 0 ? [] : await tables.holdIdempotencyKeys(inOrder(proposed));
  return new Map(
    rows.map((row) => [
      ownedKey(toText(row.owner), toText(row.idem_key)),
      {
        timerId: bytesToUuid(row.timer_id),
        requestHash: row.request_hash,
        answer: row.answer,
        expiresAt: row.expires_at,
      },
    ]),
  );
}

/** `keys` are the ids that the keys stood for; `timers` those among them that exist, by key. */
async function holdKeyed(
  tables: KeyTables,
  entries: KeyedTimer[],
): Promise<{ keys: Map<string, string>; timers: Map<string, StandingTimer> }> {
  const proposed = entries.map(({ timer }) => timer);
  const keys = await holdKeys(tables, proposed);
  const ours = new Set(proposed.map(({ id }) => id));
  const others = [...keys.values()].filter((id) => !ours.has(id)).toSorted();
  const standing = others.length === 0 ? [] : await tables.holdTimers(others);
  const byTimerId = new Map(standing.map((timer) => [timer.id, timer]));
  const timers = [...keys].flatMap(([key, id]) => {
    const timer = byTimerId.get(id);
    return timer === undefined ? [] : [[key, timer] as const];
  });
  return { keys, timers: new Map(timers) };
}

async function writeRecords(db: Kysely<Database>, { records, removedRecords }: KeyedPlan): Promise<void> {
  for (const key of removedRecords) {
    const { owner, name } = ownerAndName(key);
    await db.deleteFrom('idempotency_keys').where('owner', '=', owner).where('idem_key', '=', name).execute();
  }
  for (const [key, { timerId, requestHash, answer, expiresAt }] of records) {
    const { owner, name } = ownerAndName(key);
    await db
      .updateTable('idempotency_keys')
      .set({ timer_id: uuidToBytes(timerId), request_hash: requestHash, answer, expires_at: expiresAt })
      .where('owner', '=', owner)
      .where('idem_key', '=', name)
      .execute();
  }
}

async function writePointers(db: Kysely<Database>, { pointers }: KeyedPlan, keys: Map<string, string>): Promise<void> {
  for (const [key, id] of pointers) {
    if (keys.get(key) === id) continue;
    const { owner, name } = ownerAndName(key);
    await db
      .updateTable('timer_keys')
      .set({ timer_id: uuidToBytes(id) })
      .where('owner', '=', owner)
      .where('timer_key', '=', name)
      .execute();
  }
}

/** The row is locked and was seen to wait; the condition stays with the write all the same. */
async function writeChange(db: Kysely<Database>, timer: Timer): Promise<void> {
  const { id, ...columns } = toRow(timer);
  const { numUpdatedRows } = await db
    .updateTable('timers')
    .set(columns)
    .where('id', '=', id)
    .where('status', '=', 'waiting')
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) throw new Error('A timer changed although its row was locked.');
}

const byId = (timers: Map<string, Timer>): Timer[] => [...timers.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));

function ownerAndName(key: string): { owner: Buffer; name: Buffer } {
  const end = key.indexOf('\0');
  return { owner: toBytes(key.slice(0, end)), name: toBytes(key.slice(end + 1)) };
}
