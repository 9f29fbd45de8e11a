import type { PresenceStore } from '../presence/index.ts';
import type { TimerStore } from '../timers/index.ts';

/** Something about the database that weakens a promise of ours. Words for the operator, without secrets. */
export interface Finding {
  /** Stable: the setting or the ability. */
  name: string;
  /** `breaks`: with this the store would do wrong, so no start is made on it. */
  severity: 'weakens' | 'breaks';
  /** The promise, as it would hold otherwise. */
  promise: string;
  /** What was found, and what to do. */
  detail: string;
}

/** A store that can tell how good the ground is on which it stands. */
export interface DiagnosableStore extends TimerStore, PresenceStore {
  /** What weakens a promise, as of now; empty when nothing does. May throw `Refusal('store_unavailable')`. */
  diagnose(): Promise<Finding[]>;
}
