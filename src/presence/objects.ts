import { checkOf } from './check-timer.ts';
import type { PresenceStore, SeenObject } from './presence-store.ts';

/** Checks stored with one statement. */
const BATCH = 500;

export interface KnownObject extends SeenObject {
  /** Epoch ms; from then on it is not known any more. */
  expiresAt: number;
}

/** What the API asks for. An object that has not been seen for its time to live is unknown, forgotten already or not. */
export interface Objects {
  /** Resolves, with the number of distinct ids, once a check of each is committed. */
  check(ids: string[]): Promise<number>;
  find(id: string): Promise<KnownObject | undefined>;
  /** A page may be short though more follow, which `next` alone tells: the id to go on behind. */
  list(page: { after: string | null; limit: number }): Promise<{ objects: KnownObject[]; next: string | null }>;
}

export function createObjects(deps: {
  store: Pick<PresenceStore, 'queueChecks' | 'findObject' | 'listObjects'>;
  storeClock: { now(): number };
  ttlMs: number;
  /** Of a check. */
  deadlineMs: number;
}): Objects {
  const { store, storeClock, ttlMs, deadlineMs } = deps;

  const known = (seen: SeenObject): KnownObject[] =>
    storeClock.now() < seen.lastSeen + ttlMs ? [{ ...seen, expiresAt: seen.lastSeen + ttlMs }] : [];

  return {
    async check(ids) {
      const distinct = [...new Set(ids)];
      const now = Math.ceil(storeClock.now());
      const batches: Promise<void>[] = [];
      for (let from = 0; from < distinct.length; from += BATCH) {
        const checks = distinct.slice(from, from + BATCH).map((id) => checkOf(id, { now, ttlMs, deadlineMs }));
        batches.push(store.queueChecks(checks));
      }
      // Handed over at once: the store writes one after the other, and one deadline is over them all.
      await Promise.all(batches);
      return distinct.length;
    },
    async find(id) {
      const seen = await store.findObject(id);
      return seen && known(seen)[0];
    },
    async list({ after, limit }) {
      const seen = await store.listObjects({ after, limit: limit + 1 });
      const page = seen.slice(0, limit);
      return { objects: page.flatMap(known), next: seen.length > limit ? (page.at(-1)?.id ?? null) : null };
    },
  };
}
