import type { PresenceStore } from '../presence/index.ts';
import type { TimerStore } from '../timers/index.ts';
import type { Finding } from './finding.ts';

/** A store that can tell how good the ground is on which it stands. */
export interface DiagnosableStore extends TimerStore, PresenceStore {
  /** What weakens a promise, as of now; empty when nothing does. May throw `Refusal('store_unavailable')`. */
  diagnose(): Promise<Finding[]>;
}
