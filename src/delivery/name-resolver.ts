import type { Clock } from '../platform/index.ts';

/** All IPv4 and IPv6 addresses of a name. Rejects with an error whose `code` is `ENOTFOUND` or `ENODATA` where there are none. */
export type Lookup = (name: string) => Promise<string[]>;

/** Long enough to serve a burst with one query, short enough that a change of DNS is hardly noticed. */
const ANSWER_KEPT_MS = 5000;
const FAILURE_KEPT_MS = 1000;
/** A look-up that takes longer is left to those who wait for it; who comes next begins a new one. */
const LOOKUP_SHARED_MS = 5000;
const NAMES_KEPT = 1000;

/** One look-up for all who ask for a name at the same time or shortly after. */
export function createNameResolver({ lookup, clock }: { lookup: Lookup; clock: Clock }): Lookup {
  const known = new Map<string, { answer: Promise<string[]>; until: number }>();

  return (name) => {
    const entry = known.get(name);
    if (entry !== undefined && clock.monotonic() < entry.until) return entry.answer;

    known.delete(name);
    if (known.size >= NAMES_KEPT) known.delete(known.keys().next().value ?? '');
    const fresh = { answer: lookup(name), until: clock.monotonic() + LOOKUP_SHARED_MS };
    known.set(name, fresh);
    const keepFor = (ms: number) => () => void (fresh.until = clock.monotonic() + ms);
    fresh.answer.then(keepFor(ANSWER_KEPT_MS), keepFor(FAILURE_KEPT_MS));
    return fresh.answer;
  };
}
