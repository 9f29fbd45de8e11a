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
