import type { Kysely } from 'kysely';
import { MAX_WALKED, type Timer, type TimerPage } from '../timers/index.ts';
import type { IndexHints } from './index-hints.ts';
import { pageOf, positionOf, type ListRequest } from './list-page.ts';
import { isRareLabel, listRareLabel } from './list-rare-label.ts';
import { walkStretch } from './list-stretch.ts';
import { walkOf } from './list-walks.ts';
import { fromListedRow } from './listed-row.ts';
import type { Database } from './schema.ts';

/** A first step is walked to its end, though most pages are full long before. */
const LONGEST_FIRST_STEP = 1000;

/**
 * Walks in steps, each one statement and so one snapshot. A step tells the last entry that it walked, matching or not,
 * which is where the next step, or the next page, goes on. Steps grow, so that most pages need one and none needs many.
 */
export async function listTimers(db: Kysely<Database>, hints: IndexHints, request: ListRequest): Promise<TimerPage> {
  const { query, after, limit } = request;
  if (await isRareLabel(db, hints, query)) return listRareLabel(db, hints, request);
  const walk = walkOf(query);
  const timers: Timer[] = [];
  let position = after;
  let stretches = walk.stretchesAfter(position);
  let step = Math.min(4 * limit, LONGEST_FIRST_STEP);
  for (let left = MAX_WALKED; left > 0; left -= step) {
    const [where] = stretches;
    if (where === undefined) return { timers, next: null };
    step = Math.min(step, left);
    const rows = await walkStretch(db, hints, { walk, where, query, step, limit: limit + 1 - timers.length });
    timers.push(...rows.filter(({ matching }) => matching === 1).map(fromListedRow));
    if (timers.length > limit) return pageOf(timers, limit);
    const last = rows.find(({ is_last }) => is_last === 1);
    if (last === undefined) {
      stretches = stretches.slice(1);
    } else {
      position = positionOf(fromListedRow(last));
      stretches = walk.stretchesAfter(position);
      step *= 4;
    }
  }
  return { timers, next: position };
}
