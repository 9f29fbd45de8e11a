import type { Timer } from '../timers/index.ts';
import { inOrder, toBytes, toText, type KeyTables } from './key-tables.ts';
import { ownedKey } from './keyed-plan.ts';
import type { TimerKeyRow } from './schema.ts';
import { bytesToUuid, uuidToBytes } from './uuid-bytes.ts';

/**
 * Locks the keys of the timers until the commit. Tells for each the id that it stands for: one that stood for none is given
 * to the first of its timers here.
 */
export async function holdKeys(
  tables: Pick<KeyTables, 'holdTimerKeys'>,
  timers: Pick<Timer, 'id' | 'owner' | 'key'>[],
): Promise<Map<string, string>> {
  const proposed = new Map<string, TimerKeyRow>();
  for (const { id, owner, key } of timers) {
    if (key === null || proposed.has(ownedKey(owner, key))) continue;
    proposed.set(ownedKey(owner, key), {
      owner: toBytes(owner ?? ''),
      timer_key: toBytes(key),
      timer_id: uuidToBytes(id),
    });
  }
  const rows = proposed.size === 0 ? [] : await tables.holdTimerKeys(inOrder(proposed));
  return new Map(rows.map((row) => [ownedKey(toText(row.owner), toText(row.timer_key)), bytesToUuid(row.timer_id)]));
}
