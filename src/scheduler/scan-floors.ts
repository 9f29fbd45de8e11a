import type { Clock } from '../platform/index.ts';
import type { Pulse } from '../timers/index.ts';

/** Distance kept below what was seen to be empty: rows can still be committed there by writers, which have 5 s for it. */
const SLACK_MS = 10_000;
/** How often a look goes down to the very beginning. */
const SWEEP_INTERVAL_MS = 60_000;

/**
 * Where looks at the backlog and at expired leases begin. The head of the index fills with entries of rows that have moved
 * on; while an old snapshot keeps them from being purged, a look from the beginning walks over all of them. So a look
 * begins where the last one found nothing, and only now and then at the beginning.
 */
export interface ScanFloors {
  current(): { backlogFrom: number; leasesFrom: number };
  seen(pulse: Pulse, looked: { freshFrom: number; now: number }): void;
  /** The next look goes down to the beginning. */
  reset(): void;
}

export function createScanFloors({ clock }: { clock: Clock }): ScanFloors {
  let backlogFrom = 0;
  let leasesFrom = 0;
  let sweepAt = clock.monotonic() + SWEEP_INTERVAL_MS;

  const reset = () => {
    backlogFrom = 0;
    leasesFrom = 0;
    sweepAt = clock.monotonic() + SWEEP_INTERVAL_MS;
  };

  return {
    current() {
      if (clock.monotonic() >= sweepAt) reset();
      return { backlogFrom, leasesFrom };
    },
    seen(pulse, { freshFrom, now }) {
      backlogFrom = Math.max(backlogFrom, (pulse.backlog ?? freshFrom) - SLACK_MS);
      leasesFrom = Math.max(leasesFrom, (pulse.lease ?? now) - SLACK_MS);
    },
    reset,
  };
}
