import { Writable } from 'node:stream';
import { pino } from 'pino';
import { createApi, type ApiDeps } from '../../src/api/index.ts';
import type { Clock } from '../../src/platform/index.ts';
import { ownedKey, planKeyed, type StandingRecord } from '../../src/store/keyed-plan.ts';
import type { KeyedResult, KeyedTimer, ShortTimers, Timer } from '../../src/timers/index.ts';

/** 2030-01-01T00:00:00Z: far from every real clock, so a stray look at one shows. */
export const START = Date.UTC(2030, 0, 1);
export const DAY_MS = 86_400_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const HOOK = 'https://someserver.com/hook';

const unknownHere = () => Promise.reject(new Error('This store only remembers rows.'));

/** A store that remembers rows, and fails when it is told to. */
export function memoryStore() {
  const rows = new Map<string, Timer>();
  const records = new Map<string, StandingRecord>();
  const keys = new Map<string, string>();
  const byKey = (key: string) => rows.get(keys.get(key) ?? '');
  return {
    list: unknownHere,
    attemptsOf: unknownHere,
    findFinished: unknownHere,
    change: unknownHere,
    cancelAll: unknownHere,
    replayAll: unknownHere,
    erasePayload: unknownHere,
    rows,
    failure: undefined as Error | undefined,
    insert(timers: Timer[]): Promise<void> {
      if (this.failure) return Promise.reject(this.failure);
      for (const timer of timers) rows.set(timer.id, timer);
      return Promise.resolve();
    },
    insertKeyed(entries: KeyedTimer[]): Promise<KeyedResult[]> {
      if (this.failure) return Promise.reject(this.failure);
      const timers = new Map([...keys.keys()].flatMap((key) => (byKey(key) ? [[key, byKey(key) as Timer]] : [])));
      const plan = planKeyed(entries, { records, timers });
      for (const [id, timer] of [...plan.inserts, ...plan.changes]) rows.set(id, timer);
      for (const [key, id] of plan.pointers) keys.set(key, id);
      for (const [key, record] of plan.records) records.set(key, record);
      return Promise.resolve(plan.results);
    },
    findByKey({ owner, key }: { owner: string | null; key: string }): Promise<Timer | undefined> {
      return this.failure ? Promise.reject(this.failure) : Promise.resolve(byKey(ownedKey(owner, key)));
    },
    find(id: string): Promise<Timer | undefined> {
      if (!UUID.test(id)) return Promise.reject(new Error(`A store is only asked for UUIDs, not ${id}`));
      return this.failure ? Promise.reject(this.failure) : Promise.resolve(rows.get(id));
    },
  };
}

/** Places for short timers, there for everybody, and what became of them. */
export function placesThatTell() {
  const steps: string[] = [];
  const shortTimers: ShortTimers = {
    reserve: () => ({
      claimId: crypto.randomUUID(),
      leaseEndsAt: START + 30_000,
      commit: () => void steps.push('commit'),
      free: () => void steps.push('free'),
      abandon: () => void steps.push('abandon'),
    }),
  };
  return { shortTimers, steps };
}

/** A clock that stands until it is turned. */
export function standingClock() {
  let elapsed = 0;
  const clock: Clock = { now: () => START + elapsed, monotonic: () => elapsed, after: () => () => undefined };
  return { clock, turn: (ms: number) => void (elapsed += ms) };
}

/** The API on a memory store and a clock that stands, open and unlimited unless told otherwise. */
export function apiUnderTest(overrides: Partial<ApiDeps> = {}) {
  const store = memoryStore();
  const { clock, turn } = standingClock();
  const logged: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      logged.push(JSON.parse(line.toString()) as Record<string, unknown>);
      done();
    },
  });
  const api = createApi({
    host: '127.0.0.1',
    port: 0,
    serveTimers: true,
    store,
    destinations: { listDestinations: () => Promise.resolve([]) },
    objects: undefined,
    storeClock: clock,
    shortTimers: { reserve: () => undefined },
    targets: { refusalOf: () => undefined },
    isReservedHeader: (name) => /^(?:host|webhook-.*)$/i.test(name),
    metrics: { onAnswered: () => undefined, text: () => Promise.resolve(''), contentType: 'text/plain' },
    readiness: () => [],
    weaknesses: () => Promise.resolve([]),
    keys: [],
    adminKeys: [],
    loopbackOnly: false,
    trustProxy: undefined,
    rateLimitPerSecond: undefined,
    maxDelayMs: 3650 * DAY_MS,
    maxAttempts: 8,
    maxTimeoutMs: 24_000,
    lookaheadMs: 1000,
    clock,
    logger: pino({ level: 'debug', base: null }, sink),
    version: '1.2.3',
    ...overrides,
  });
  return { ...api, store, turn, logged };
}
