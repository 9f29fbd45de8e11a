import type { ListPosition, Timer, TimerPage, TimerQuery } from '../timers/index.ts';

export interface ListRequest {
  query: TimerQuery;
  after: ListPosition | null;
  limit: number;
}

/** The page that `limit + 1` were looked for: one too many tells that more follow. */
export function pageOf(found: Timer[], limit: number): TimerPage {
  const timers = found.slice(0, limit);
  const last = timers.at(-1);
  return { timers, next: found.length > limit && last !== undefined ? positionOf(last) : null };
}

export const positionOf = ({ id, wakeAt, owner }: Timer): ListPosition => ({ id, wakeAt, owner });
