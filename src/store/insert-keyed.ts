import type { KeyedResult, KeyedTimer, Timer } from '../timers/index.ts';
import { holdKeys } from './hold-keys.ts';
import { inOrder, toBytes, toText, type IdempotencyKeyName, type KeyTables } from './key-tables.ts';
import { isAnswered, ownedKey, planKeyed, type StandingRecord, type StandingTimer } from './keyed-plan.ts';
import type { IdempotencyKeyRow, TimerKeyRow } from './schema.ts';
import { toRow } from './timer-row.ts';
import { bytesToUuid, uuidToBytes } from './uuid-bytes.ts';

/**
 * Stores timers that come with keys, within the transaction of the tables. Whoever comes second under one key waits at its
 * row for the few milliseconds that the first needs to commit, and then sees what became of it. See `planKeyed` for `again`.
 */
export async function insertKeyed(
  tables: KeyTables,
  entries: KeyedTimer[],
  given: { again: boolean } = { again: false },
): Promise<KeyedResult[]> {
  const records = await holdRecords(tables, entries);
  const open = entries.filter((entry) => !isAnswered(entry, recordOf(entry, records)));
  const { keys, timers } = await holdKeyed(tables, open);
  const plan = planKeyed(entries, { records, timers }, given);
  await tables.removeIdempotencyKeys([...plan.removedRecords].map(toName));
  await tables.writeIdempotencyKeys([...plan.records].map(toRecordRow));
  await tables.writeTimerKeys([...plan.pointers].filter(([key, id]) => keys.get(key) !== id).map(toPointerRow));
  await tables.changeTimers(byId(plan.changes).map(toRow));
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

const byId = (timers: Map<string, Timer>): Timer[] => [...timers.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));

function ownerAndName(key: string): { owner: Buffer; name: Buffer } {
  const end = key.indexOf('\0');
  return { owner: toBytes(key.slice(0, end)), name: toBytes(key.slice(end + 1)) };
}

function toName(key: string): IdempotencyKeyName {
  const { owner, name } = ownerAndName(key);
  return { owner, idem_key: name };
}

const toRecordRow = ([key, record]: [string, StandingRecord]): IdempotencyKeyRow => ({
  ...toName(key),
  timer_id: uuidToBytes(record.timerId),
  request_hash: record.requestHash,
  answer: record.answer,
  expires_at: record.expiresAt,
});

function toPointerRow([key, id]: [string, string]): TimerKeyRow {
  const { owner, name } = ownerAndName(key);
  return { owner, timer_key: name, timer_id: uuidToBytes(id) };
}
