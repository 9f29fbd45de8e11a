import {
  isFinished,
  Refusal,
  type KeyedResult,
  type KeyedTimer,
  type Timer,
  type TimerProgress,
} from '../timers/index.ts';

/** What stands under an idempotency key. */
export interface StandingRecord {
  /** The timer that was proposed with the request that wrote it. */
  timerId: string;
  requestHash: Uint8Array;
  answer: string;
  expiresAt: number;
}

/** What of a timer decides whether it can be changed, and into what. */
export type StandingTimer = Pick<Timer, 'id' | 'createdAt'> &
  Pick<TimerProgress, 'status' | 'claimId' | 'fence' | 'run' | 'attempts' | 'lost'>;

/** What is to be written, and what every entry is told. */
export interface KeyedPlan {
  results: KeyedResult[];
  inserts: Map<string, Timer>;
  /** By id; only what waits is ever changed. */
  changes: Map<string, Timer>;
  /** By key: the timer that the key stands for from now on. */
  pointers: Map<string, string>;
  /** By key: records that were written anew, and those of requests that were refused after all. */
  records: Map<string, StandingRecord>;
  removedRecords: Set<string>;
}

/** One string for an owner's key; it sorts as the pair does. */
export const ownedKey = (owner: string | null, key: string): string => `${owner ?? ''}\0${key}`;

/** Whether the request was carried out before, or is being carried out by an earlier entry of the same batch. */
export function isAnswered({ timer }: KeyedTimer, record: StandingRecord | undefined): boolean {
  return record !== undefined && record.timerId !== timer.id && record.expiresAt > timer.createdAt;
}

/** Whether it tells of a change that an earlier try of the request has made: for a timer that it made, the answer is the same. */
const isOfEarlierTry = ({ timer, idempotency }: KeyedTimer, { timerId, answer }: StandingRecord): boolean =>
  timerId === timer.id && answer !== idempotency?.answerOf({ kind: 'created', timer });

/**
 * Decides entry by entry, in their order, as if each were carried out before the next is looked at. Everything that stands
 * is locked by the caller. `again` says that an earlier try may have been committed, though its answer was lost: what it has
 * done is not done once more, and where nobody can tell, the entry is refused.
 */
export function planKeyed(
  entries: KeyedTimer[],
  standing: { records: ReadonlyMap<string, StandingRecord>; timers: ReadonlyMap<string, StandingTimer> },
  { again }: { again: boolean } = { again: false },
): KeyedPlan {
  const records = new Map(standing.records);
  const current = new Map(standing.timers);
  const refusals = new Map<string, KeyedResult>();
  const plan: KeyedPlan = {
    results: [],
    inserts: new Map(),
    changes: new Map(),
    pointers: new Map(),
    records: new Map(),
    removedRecords: new Set(),
  };

  for (const entry of entries) plan.results.push(decide(entry));
  return plan;

  function decide(entry: KeyedTimer): KeyedResult {
    const { timer, idempotency } = entry;
    if (idempotency === null) return place(timer);
    const key = ownedKey(timer.owner, idempotency.key);
    const record = records.get(key);
    if (record !== undefined && isAnswered(entry, record)) {
      const isSame = Buffer.from(record.requestHash).equals(idempotency.requestHash);
      return isSame ? (refusals.get(key) ?? { kind: 'replayed', answer: record.answer }) : reused();
    }
    if (again && record !== undefined && isOfEarlierTry(entry, record) && !isHeldFor(timer)) {
      return { kind: 'replayed', answer: record.answer };
    }
    const result = place(timer);
    if (result.kind === 'refused') {
      plan.removedRecords.add(key);
      refusals.set(key, result);
    } else if (result.kind === 'changed' || record?.timerId !== timer.id) {
      const { requestHash, expiresAt, answerOf } = idempotency;
      const own = { timerId: timer.id, requestHash, answer: answerOf(result), expiresAt };
      plan.removedRecords.delete(key);
      plan.records.set(key, own);
      records.set(key, own);
    }
    return result;
  }

  function place(timer: Timer): Placed {
    if (timer.key === null) return create(timer);
    const key = ownedKey(timer.owner, timer.key);
    const before = current.get(key);
    // By the earlier try it may have been changed into this one, which then was called, or is being called.
    const isUnsure = again && before !== undefined && before === standing.timers.get(key);
    if (before === undefined || isFinished(before.status)) {
      if (isUnsure) return unsure();
      current.set(key, timer);
      plan.pointers.set(key, timer.id);
      return create(timer);
    }
    if (before.status === 'executing') {
      const { id, createdAt, fence, run } = before;
      const dueAt = dueOf(timer);
      if (isHeldFor(timer)) return { kind: 'changed', timer: { ...timer, id, createdAt, dueAt, fence, run } };
      return isUnsure ? unsure() : executing();
    }
    const changed = changedInto(timer, before);
    current.set(key, changed);
    (plan.inserts.has(changed.id) ? plan.inserts : plan.changes).set(changed.id, changed);
    return { kind: 'changed', timer: changed };
  }

  /** Our own change by an earlier try: the timer of the key is under the claim that this one has. */
  function isHeldFor(timer: Timer): boolean {
    const before = timer.key === null ? undefined : current.get(ownedKey(timer.owner, timer.key));
    return before?.status === 'executing' && timer.claimId !== null && before.claimId === timer.claimId;
  }

  function create(timer: Timer): Placed {
    plan.inserts.set(timer.id, timer);
    return { kind: 'created', timer };
  }
}

type Placed = Exclude<KeyedResult, { kind: 'replayed' }>;

/** An edit cannot make the timer late: an instant that has passed at the request means the request's. */
const dueOf = ({ dueAt, createdAt }: Timer): number => Math.max(dueAt, createdAt);

/**
 * An edit of one that was tried already, or may have been by a replica that died, begins a new run: to receivers it is
 * another call, under another `webhook-id`.
 */
const changedInto = (timer: Timer, before: StandingTimer): Timer => ({
  ...timer,
  id: before.id,
  createdAt: before.createdAt,
  dueAt: dueOf(timer),
  fence: before.fence + 1,
  run: before.attempts > 0 || before.lost > 0 ? before.run + 1 : before.run,
});

const executing = (): Placed => ({
  kind: 'refused',
  refusal: new Refusal('already_executing', 'The timer of this key is being executed; try again when it is finished.'),
});

const unsure = (): Placed => ({
  kind: 'refused',
  refusal: new Refusal('store_unavailable', 'The database lost its answer; look whether the timer was changed.'),
});

const reused = (): Placed => ({
  kind: 'refused',
  refusal: new Refusal(
    'idempotency_key_reused',
    'This idempotency key was used for another request within the last 24 hours.',
  ),
});
