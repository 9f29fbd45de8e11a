import { sql } from 'kysely';
import type { ListPosition, TimerQuery } from '../timers/index.ts';
import type { TimersIndex } from './index-hints.ts';
import { all, type Condition } from './list-filters.ts';
import { uuidToBytes } from './uuid-bytes.ts';

/** A way through one index: contiguous stretches of it, one after the other, each in the index's own order. */
export interface Walk {
  index: TimersIndex;
  /** Columns of the index after its fixed beginning, in its order. */
  order: ('wake_at' | 'owner' | 'id')[];
  direction: 'ASC' | 'DESC';
  /** A position within the same instant or owner has a stretch of its own: that alone is a range to every planner. */
  stretchesAfter(position: ListPosition | null): Condition[];
}

export function walkOf(query: TimerQuery): Walk {
  if (query.status !== undefined) return inWakeOrder(query, query.status);
  if (query.label !== undefined) return byLabel(query.label, query.owner);
  return query.owner === undefined ? newestFirst() : ofOwner(query.owner);
}

/** What is to come: the next first. What is over: the latest first. */
export const isUpwards = (status: TimerQuery['status']): boolean => status === 'waiting' || status === 'executing';

function inWakeOrder({ wakeFrom, wakeTo }: TimerQuery, status: NonNullable<TimerQuery['status']>): Walk {
  const [beyond, direction] = isUpwards(status) ? ([sql`>`, 'ASC'] as const) : ([sql`<`, 'DESC'] as const);
  const stretch = (...conditions: Condition[]) => all([sql`status = ${status}`, ...conditions]);
  const from = wakeFrom === undefined ? [] : [sql`wake_at >= ${wakeFrom}`];
  const to = wakeTo === undefined ? [] : [sql`wake_at < ${wakeTo}`];
  return {
    index: 'wake',
    order: ['wake_at', 'id'],
    direction,
    stretchesAfter: (position) =>
      position === null
        ? [stretch(...from, ...to)]
        : [
            stretch(sql`wake_at = ${position.wakeAt}`, sql`id ${beyond} ${uuidToBytes(position.id)}`),
            stretch(sql`wake_at ${beyond} ${position.wakeAt}`, ...from, ...to),
          ],
  };
}

/** Of all owners: owner by owner, those without one last, and newest first within each. */
function byLabel(label: string, owner: string | null | undefined): Walk {
  const stretch = (...conditions: Condition[]) => all([sql`label = ${label}`, ...conditions]);
  const before = (position: ListPosition | null) => (position === null ? [] : [sql`id < ${uuidToBytes(position.id)}`]);
  const ofOne = (name: string | null, position: ListPosition | null) => stretch(ownedBy(name), ...before(position));
  return {
    index: 'labelled',
    order: ['owner', 'id'],
    direction: 'DESC',
    stretchesAfter(position) {
      if (owner !== undefined) return [ofOne(owner, position)];
      if (position === null) return [stretch(sql`owner IS NOT NULL`), ofOne(null, null)];
      if (position.owner === null) return [ofOne(null, position)];
      return [ofOne(position.owner, position), stretch(sql`owner < ${position.owner}`), ofOne(null, null)];
    },
  };
}

const ofOwner = (owner: string | null): Walk => ({
  index: 'listed',
  order: ['id'],
  direction: 'DESC',
  stretchesAfter: (position) => [
    all([ownedBy(owner), ...(position === null ? [] : [sql`id < ${uuidToBytes(position.id)}`])]),
  ],
});

const newestFirst = (): Walk => ({
  index: 'PRIMARY',
  order: ['id'],
  direction: 'DESC',
  stretchesAfter: (position) => [position === null ? sql`1 = 1` : sql`id < ${uuidToBytes(position.id)}`],
});

const ownedBy = (owner: string | null): Condition => (owner === null ? sql`owner IS NULL` : sql`owner = ${owner}`);
