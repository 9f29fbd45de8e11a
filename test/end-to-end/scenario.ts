import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseKind } from '../support/database-binaries.ts';
import { createDatabase } from '../support/databases.ts';
import { checkLedger, ledgerTable, type Fault, type Figures } from '../support/ledger.ts';
import { createLedgerClient, type LedgerClient } from '../support/ledger-client.ts';
import { startLedgerReceiver, type LedgerReceiver } from '../support/ledger-receiver.ts';
import { createReplica, type Replica } from '../support/service-process.ts';

const isFull = process.env.TEST_FULL === '1';
const READS_AT_ONCE = 20;

/** The size of a load: what an issue asks for, or what fits between two edits. */
export const sized = (full: number, scaled: number): number => (isFull ? full : scaled);

/** What a run of full size has to show. */
export function tell(text: string): void {
  if (isFull) process.stderr.write(`${text}\n\n`);
}

/** What is expected of every ledger unless a test says otherwise. */
export const FLAWLESS = { refused: 0, indeterminate: 0, lost: 0, ghost: 0, early: 0, doubled: 0, doubledInFaults: 0 };

export interface Scenario {
  receiver: LedgerReceiver;
  client: LedgerClient;
  faults: Fault[];
  /** Another receiver, which stands for another host, with a client of its own. */
  elsewhere: () => Promise<{ receiver: LedgerReceiver; client: LedgerClient }>;
  /** An empty database that goes with the scenario, as the service's environment names it. */
  database: (kind: DatabaseKind | 'sqlite') => Promise<{ DATABASE_URL: string }>;
  /** A replica that runs and is ready. */
  start: (name: string, env: Record<string, string>, options?: { preload?: string }) => Promise<Replica>;
  /** Until every acked timer is `done` in the store, after which nothing can send it again. */
  allDone: (replica: Replica, withinMs?: number) => Promise<void>;
  /** What the ledger says by now; told in full when the sizes are full. */
  figures: (title: string) => Figures;
}

/** A test body with processes of its own, all of which are gone when it ends. What they last said is told when it fails. */
export const scenario = (body: (scenario: Scenario) => Promise<void>) => async (): Promise<void> => {
  const ends: (() => Promise<unknown>)[] = [];
  const replicas: Replica[] = [];
  try {
    await body(await begin(ends, replicas));
  } catch (error) {
    const told = replicas.map((replica) => replica.story()).join('\n');
    if (error instanceof Error) error.message += `\n\n${told}`;
    throw error;
  } finally {
    await Promise.all(replicas.map((replica) => replica.kill()));
    for (const end of ends.toReversed()) await end();
  }
};

async function begin(ends: (() => Promise<unknown>)[], replicas: Replica[]): Promise<Scenario> {
  const elsewhere = async () => {
    const receiver = await startLedgerReceiver();
    ends.push(() => receiver.close());
    return { receiver, client: createLedgerClient(receiver) };
  };
  const { receiver, client } = await elsewhere();
  const faults: Fault[] = [];

  async function isDone(replica: Replica): Promise<boolean> {
    const ids = client.intents.flatMap(({ id }) => id ?? []);
    for (let index = 0; index < ids.length; index += READS_AT_ONCE) {
      const timers = await Promise.all(ids.slice(index, index + READS_AT_ONCE).map((id) => readTimer(replica.url, id)));
      if (timers.some(({ status }) => status !== 'done')) return false;
    }
    return true;
  }

  return {
    receiver,
    client,
    faults,
    elsewhere,
    async database(kind) {
      if (kind !== 'sqlite') {
        const { url, drop } = await createDatabase(kind);
        ends.push(drop);
        return { DATABASE_URL: url };
      }
      const folder = await mkdtemp(join(tmpdir(), 'punctual-sqlite-'));
      ends.push(() => rm(folder, { recursive: true, force: true }));
      return { DATABASE_URL: `sqlite:${join(folder, 'timers.db')}` };
    },
    async start(name, env, options) {
      const replica = await createReplica({ name, env, ...options });
      replicas.push(replica);
      await replica.start();
      return replica;
    },
    async allDone(replica, withinMs = 20_000) {
      const isDelivered = () => {
        const answered = new Set(receiver.arrivals.flatMap(({ id, answeredAt }) => (answeredAt === null ? [] : [id])));
        return client.intents.every(({ id }) => id === null || answered.has(id));
      };
      await until('every acked timer was delivered', isDelivered, withinMs);
      await until('every acked timer was recorded as done', () => isDone(replica));
    },
    figures(title) {
      const figures = checkLedger({ ...client, ...receiver, faults });
      tell(ledgerTable(title, figures));
      return figures;
    },
  };
}

export interface TimerAnswer {
  status: string;
  attempts: number;
  lateness_ms: number | null;
  finished_at: string | null;
}

export async function readTimer(base: string, id: string): Promise<TimerAnswer> {
  const response = await fetch(`${base}/timers/${id}`);
  return (await response.json()) as TimerAnswer;
}

/** Looks every now and then until it is so; fails after `withinMs`. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`Within ${withinMs} ms it did not come about that ${what}.`);
    await delay(20);
  }
}

export const untilInstant = (epochMs: number): Promise<void> =>
  until(`it is ${new Date(epochMs).toISOString()}`, () => Date.now() >= epochMs, epochMs - Date.now() + 1000);
