/*
 * Three logs, written by processes that no test ever harms: what a client asked for and was told, what a receiver got, and
 * what faults there were. The checker compares them and knows nothing of the service. Instants are epoch milliseconds by
 * the wall clock of one host.
 */

/** One timer that a client asked for. Its number is part of the URL to call, so an unanswered request can be told apart. */
export interface Intent {
  number: number;
  sentAt: number;
  answeredAt: number | null;
  /** `acked`: 201. `refused`: certainly not made. `indeterminate`: it may have been made. */
  result: 'pending' | 'acked' | 'refused' | 'indeterminate';
  /** Why it was not acked: a status or the code of an error. */
  error: string | null;
  /** Of an acked one. */
  id: string | null;
  dueAt: number | null;
}

/** One request that began to arrive. */
export interface Arrival {
  /** The number of the intent, from the path. */
  number: number;
  /** From the path. */
  id: string;
  webhookId: string;
  fence: number;
  attempt: number;
  /** As the request says. */
  dueAt: number;
  at: number;
  /** When the whole answer had been handed over; null while it has not, or if the sender was gone by then. */
  answeredAt: number | null;
  status: number | null;
}

export interface Fault {
  kind: string;
  from: number;
  to: number;
}

export interface Ledger {
  intents: Intent[];
  arrivals: Arrival[];
  faults: Fault[];
  /** When the receiver itself stood still, as on a machine that is short of disk or processor; it answered nobody then. */
  stalls?: Fault[];
}

export interface Figures {
  sent: number;
  acked: number;
  refused: number;
  indeterminate: number;
  /** Distinct timers of which a request arrived. */
  received: number;
  /** Acked, but no request was answered with success. */
  lost: number;
  /** Received, though refused, or under another id than the acked one, or never asked for. */
  ghost: number;
  /** Requests that arrived before the timer was due. */
  early: number;
  /** Requests beyond what was called for, whose forerunner no fault can have disturbed. */
  doubled: number;
  /** The same where the forerunner ran into a fault. */
  doubledInFaults: number;
  /** Retries of what ran into a stall of the receiver: to the sender, which says so by the attempt's number, it timed out. */
  retriedInStalls: number;
  /** Requests with a lower fence than one that arrived before. */
  fenceRegressions: number;
  /** First arrival minus due, of acked timers. */
  lateness: { p50: number; p99: number; max: number };
}

/** How long before and after a fault a request may have been disturbed by it: its deadline and its recording. */
const FAULT_REACH_MS = 2000;

export function checkLedger(
  { intents, arrivals, faults, stalls = [] }: Ledger,
  { reachMs = FAULT_REACH_MS } = {},
): Figures {
  const byNumber = new Map(intents.map((intent) => [intent.number, intent]));
  const groups = Map.groupBy(
    arrivals.toSorted((a, b) => a.at - b.at),
    ({ webhookId }) => webhookId,
  );
  const succeeded = new Set(arrivals.filter(isSuccess).map(({ id }) => id));
  const acked = intents.filter(({ result }) => result === 'acked');
  const isIn = (periods: Fault[], { at }: Arrival) =>
    periods.some(({ from, to }) => at >= from - reachMs && at <= to + reachMs);
  const isRetryAfterStall = ({ arrival, forerunner }: Surplus) =>
    arrival.attempt > forerunner.attempt && isIn(stalls, forerunner);
  const [retries, surplus] = partition([...groups.values()].flatMap(surplusOf), isRetryAfterStall);
  const inFaults = surplus.filter(({ forerunner }) => isIn(faults, forerunner)).length;
  const dueOf = (arrival: Arrival) => byNumber.get(arrival.number)?.dueAt ?? arrival.dueAt;
  const latenesses = [...groups.values()].flatMap(([first]) => (first ? [first.at - dueOf(first)] : []));

  return {
    sent: intents.length,
    acked: acked.length,
    refused: intents.filter(({ result }) => result === 'refused').length,
    indeterminate: intents.filter(({ result }) => result === 'indeterminate' || result === 'pending').length,
    received: groups.size,
    lost: acked.filter(({ id }) => id !== null && !succeeded.has(id)).length,
    ghost: [...groups.values()].filter(([first]) => first && isGhost(first, byNumber.get(first.number))).length,
    early: arrivals.filter((arrival) => arrival.at < dueOf(arrival)).length,
    doubled: surplus.length - inFaults,
    doubledInFaults: inFaults,
    retriedInStalls: retries.length,
    fenceRegressions: [...groups.values()].reduce((sum, group) => sum + regressionsOf(group), 0),
    lateness: percentiles(latenesses),
  };
}

export interface Surplus {
  arrival: Arrival;
  forerunner: Arrival;
}

/** The requests that followed on one that was not answered with a failure, in order of arrival. */
export function surplusOf(group: Arrival[]): Surplus[] {
  return group.flatMap((arrival, index) => {
    const forerunner = group[index - 1];
    return forerunner === undefined || isFailure(forerunner) ? [] : [{ arrival, forerunner }];
  });
}

function partition<T>(items: T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

const isSuccess = ({ answeredAt, status }: Arrival): boolean =>
  answeredAt !== null && status !== null && status >= 200 && status < 300;

const isFailure = (arrival: Arrival): boolean => arrival.answeredAt !== null && !isSuccess(arrival);

function isGhost({ id }: Arrival, intent: Intent | undefined): boolean {
  if (intent === undefined || intent.result === 'refused') return true;
  return intent.result === 'acked' && intent.id !== id;
}

function regressionsOf(group: Arrival[]): number {
  let highest = -Infinity;
  let count = 0;
  for (const { fence } of group) {
    if (fence < highest) count += 1;
    highest = Math.max(highest, fence);
  }
  return count;
}

function percentiles(values: number[]): Figures['lateness'] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** One row of names and one of numbers, under a title. */
export function ledgerTable(title: string, figures: Figures): string {
  const { lateness, doubled, doubledInFaults, retriedInStalls, fenceRegressions, ...counts } = figures;
  const cells = Object.entries({
    ...counts,
    doubled,
    'in faults': doubledInFaults,
    'after stalls': retriedInStalls,
    'fence back': fenceRegressions,
    'late p50': lateness.p50,
    p99: lateness.p99,
    'max ms': lateness.max,
  }).map(([name, value]) => ({ name, value: String(value), width: Math.max(name.length, String(value).length) }));
  const row = (field: 'name' | 'value') => cells.map((cell) => cell[field].padStart(cell.width)).join('  ');
  return [title, row('name'), row('value')].join('\n');
}
