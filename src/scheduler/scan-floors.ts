import type { Clock } from '../platform/index.ts';
import type { Pulse } from '../timers/index.ts';

/** Distance kept below what was seen to be empty: rows can still be committed there by writers, which have 5 s for it. */
const SLACK_MS = 10_000;
/** How often a look goes down to the very beginning. */
const SWEEP_INTERVAL_MS = 60_000;
/** The settings allow no lease as short as this. One that was being committed during the look is noticed this much late at worst. */
const SHORTEST_LEASE_MS = 5000;

/**
 * Where looks at the backlog and at leases begin. The head of the index fills with entries of rows that have moved on;
 * while an old snapshot keeps them from being purged, a look from the beginning walks over all of them. So a look begins
 * where the last one found nothing, and only now and then at the beginning. And as the first lease is known long before it
 * runs out, leases are not looked at until then.
 */
export interface ScanFloors {
  /** `leasesFrom` is null where no lease can have run out. */
  current(now: number): { backlogFrom: number; leasesFrom: number | null };
  /** What the look found that `current` asked for at `now`. */
  seen(pulse: Pulse, looked: { freshFrom: number; leasesFrom: number | null; now: number }): void;
  /** The next look goes down to the beginning. */
  reset(): void;
}

export function createScanFloors({ clock }: { clock: Clock }): ScanFloors {
  let backlogFrom = 0;
  let leasesFrom = 0;
  let leasesAt = -Infinity;
  let sweepAt = clock.monotonic() + SWEEP_INTERVAL_MS;

  const reset = () => {
    backlogFrom = 0;
    leasesFrom = 0;
    leasesAt = -Infinity;
    sweepAt = clock.monotonic() + SWEEP_INTERVAL_MS;
  };

  return {
    current(now) {
      if (clock.monotonic() >= sweepAt) reset();
      return { backlogFrom, leasesFrom: now < leasesAt ? null : leasesFrom };
    },
    seen(pulse, looked) {
      backlogFrom = Math.max(backlogFrom, (pulse.backlog ?? looked.freshFrom) - SLACK_MS);
      if (looked.leasesFrom === null) return;
      const firstEnd = pulse.lease ?? Infinity;
      leasesFrom = Math.max(leasesFrom, Math.min(firstEnd, looked.now) - SLACK_MS);
      leasesAt = Math.min(firstEnd, looked.now + SHORTEST_LEASE_MS);
    },
    reset,
  };
}
