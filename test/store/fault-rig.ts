import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createConnection, type Connection } from 'mysql2/promise';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import type { TimerStore } from '../../src/timers/index.ts';
import { quickStart, startServer, type DatabaseServer } from '../support/database-server.ts';
import { queryServer } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { claimOf, makeTimer, makeTimers, pulseOf, resultOf, T0 } from '../support/timers.ts';
import { KINDS, openFaultyStore, timed, type Kind } from './mysql-under-test.ts';

/** What the API promises, and within what a store works again by itself. */
export const ANSWER_MS = 5000;
const RECOVERY_MS = 5000;

/** A server of each kind for the tests of a file, which may ill-treat them. */
export function usePrivateServers(argsOf: (kind: Kind) => string[] = () => []): Map<Kind, DatabaseServer> {
  const servers = new Map<Kind, DatabaseServer>();
  beforeAll(async () => {
    const start = async (kind: Kind) => {
      const extraArgs = [...quickStart, ...argsOf(kind)];
      servers.set(kind, await startServer(kind, { extraArgs }));
    };
    await Promise.all(KINDS.map(start));
  }, 120_000);
  afterAll(() => Promise.all([...servers.values()].map((server) => server.stop())));
  return servers;
}

/**
 * One behaviour, on both kinds of server at the same time: most of it is waiting. Together with others, where they leave
 * the server itself alone.
 */
export function itOnBoth(name: string, test: (kind: Kind) => Promise<void>, run: typeof it.concurrent = it): void {
  run(
    `${name} (${KINDS.join(', ')})`,
    async () => {
      const runs = await Promise.allSettled(KINDS.map(test));
      const reasons = runs.map((run) => (run.status === 'rejected' ? (run.reason as Error) : undefined));
      const failed = reasons.findIndex((reason) => reason !== undefined);
      const reason = reasons[failed];
      if (reason === undefined) return;
      reason.message = `on ${KINDS[failed] ?? ''}: ${reason.message}`;
      throw reason;
    },
    60_000,
  );
}

/** Every verb that a store has, each once. */
export function everyVerb(store: TimerStore): Promise<unknown>[] {
  const held = { id: crypto.randomUUID(), claimId: crypto.randomUUID() };
  return [
    store.readClock(),
    store.insert(makeTimers(3)),
    store.insert([makeTimer()]),
    store.find(held.id),
    store.readBody(held),
    store.pulse(pulseOf()),
    store.claim(claimOf()),
    store.releaseClaim({ ...claimOf(), now: T0 }),
    store.markSends([held], T0),
    store.expireSends({ wakeFrom: T0, wakeTo: T0, limit: 1, now: T0 }),
    store.record([resultOf(held, { status: 'failed', reason: 'gone' })]),
    store.publishDestinations({ replica: held.id, now: T0, reports: [] }),
    store.forgetDestinations({ replica: held.id, silentSince: T0 }),
    store.listDestinations({ toldSince: T0 }),
  ];
}

/** Each verb answers in time: with what it is asked for, or with the one refusal that says that the store is away. */
export async function expectAnswersInTime(store: TimerStore): Promise<void> {
  for (const { ms, error } of await Promise.all(everyVerb(store).map(timed))) {
    expect(ms).toBeLessThan(ANSWER_MS);
    if (error !== undefined) expect(error).toMatchObject({ code: 'store_unavailable' });
  }
}

export const works = async (store: TimerStore): Promise<boolean> =>
  (await Promise.allSettled(everyVerb(store))).every(({ status }) => status === 'fulfilled');

export const expectRecovery = (store: TimerStore): Promise<void> => eventually(() => works(store), RECOVERY_MS);

export interface FaultRig extends Awaited<ReturnType<typeof openFaultyStore>> {
  server: DatabaseServer;
  /** The store's sessions on the server, by their ids. */
  sessions(user?: string): Promise<number[]>;
  /** A transaction that holds every row of the timers until its connection ends. */
  lockEverything(): Promise<Connection>;
  /** A store for a user who may do everything with the database and nothing with the server, as in production. */
  withPlainUser(work: (plain: { store: TimerStore; user: string; url: string }) => Promise<void>): Promise<void>;
}

/** A store behind a proxy, with all its connections open. */
export async function withFaultyStore(
  server: DatabaseServer | undefined,
  test: (rig: FaultRig) => Promise<void>,
): Promise<void> {
  if (server === undefined) throw new Error('the server has not been started');
  const opened = await openFaultyStore(server.kind, server.url);
  const { database, store, direct } = opened;
  const sessionsOf = async (condition: string) => {
    const found = `SELECT id FROM information_schema.processlist WHERE db = '${database.name}' AND ${condition}`;
    return (await queryServer(server.url, found)).map(({ id }) => Number(id));
  };
  try {
    await Promise.all(everyVerb(store));
    await test({
      ...opened,
      server,
      sessions: (user = 'root') => sessionsOf(`user = '${user}'`),
      async lockEverything() {
        const connection = await createConnection(database.url);
        await connection.query('BEGIN');
        await connection.query('SELECT id FROM timers FOR UPDATE');
        return connection;
      },
      async withPlainUser(work) {
        const user = `plain_${database.name.slice(-8)}`;
        await queryServer(server.url, `CREATE USER ${user}@'%' IDENTIFIED BY 'a-secret'`);
        await queryServer(server.url, `GRANT ALL ON ${database.name}.* TO ${user}@'%'`);
        const plain = await openMysqlStore({ ...direct, user, password: 'a-secret' });
        await Promise.all(everyVerb(plain));
        const url = `mysql://${user}:a-secret@127.0.0.1:${server.port}/${database.name}`;
        await work({ store: plain, user, url }).finally(() => plain.close());
      },
    });
  } finally {
    // What a test that failed midway left open would keep the database from being dropped.
    for (const id of await sessionsOf('id <> CONNECTION_ID()')) {
      await queryServer(server.url, `KILL ${id}`).catch(() => undefined);
    }
    await opened.close();
  }
}
