import { sql } from 'kysely';
import type { Timer } from '../timers/index.ts';
import type { TimerRow } from './schema.ts';
import { CLAIMED_COLUMNS, fromRow } from './timer-row.ts';

const LISTED_COLUMNS = [
  ...CLAIMED_COLUMNS,
  'owner',
  'label',
  'timer_key',
  'metadata',
  'delay_ms',
  'status',
  'reason',
  'wake_at',
  'claim_id',
  'send_started_at',
  'fired_at',
  'duration_ms',
  'http_status',
  'error_code',
  'error_message',
  'answer',
] as const satisfies readonly (keyof TimerRow)[];

/** A row without its body, which a list does not show: a page of them could weigh many megabytes. */
export type ListedRow = Pick<TimerRow, (typeof LISTED_COLUMNS)[number]>;

/** Of the table under the alias `t`. */
export const listedColumns = sql.raw(LISTED_COLUMNS.map((column) => `t.${column}`).join(', '));

export const fromListedRow = (row: ListedRow): Timer => fromRow({ ...row, body: null });
