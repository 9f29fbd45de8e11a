import { pino } from 'pino';
import { createChangeOwn, type ChangeOwn } from '../../src/api/change-own.ts';
import { createFindOwn } from '../../src/api/find-own.ts';
import { createRemoteClock, systemClock, type RemoteClock } from '../../src/platform/index.ts';
import { createScheduler, type Scheduler, type SchedulerSettings } from '../../src/scheduler/index.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { TimerStore } from '../../src/timers/index.ts';
import { delivered } from '../scheduler/scheduler-under-test.ts';
import { createDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';

export const EVERYBODY = { owner: null, seesAll: true };

export interface Replica {
  store: TimerStore;
  storeClock: RemoteClock;
  scheduler: Scheduler;
  changeOwn: ChangeOwn;
}

/** Two replicas at work on one database, by the real clock, with an action that remembers what was sent and when. */
export interface TwoReplicas extends AsyncDisposable {
  replicas: [Replica, Replica];
  /** Instants by the store's clock, by timer. */
  sends: Map<string, number[]>;
  /** Until neither holds anything. */
  settled(): Promise<void>;
}

/** Short, so that many races with the claim fit into a second. */
export const LOOKAHEAD_MS = 150;
const POLL_MS = 30;

export async function startTwoReplicas(
  engine: 'mysql' | 'mariadb' | 'SQLite',
  settings: Pick<SchedulerSettings, 'pollIntervalMs' | 'lookaheadMs'> = {
    pollIntervalMs: POLL_MS,
    lookaheadMs: LOOKAHEAD_MS,
  },
): Promise<TwoReplicas> {
  const { stores, close } = await (engine === 'SQLite' ? onFile() : onServer(engine));
  const sends = new Map<string, number[]>();
  const [first, second] = await Promise.all(stores.map((store) => startReplica({ store, sends, settings })));
  if (first === undefined || second === undefined) throw new Error('There are two stores.');
  const replicas: [Replica, Replica] = [first, second];
  return {
    replicas,
    sends,
    settled: () => eventually(() => replicas.every(({ scheduler }) => scheduler.load().held === 0), 20_000),
    async [Symbol.asyncDispose]() {
      await Promise.all(replicas.map(({ scheduler }) => scheduler.stop()));
      await close();
    },
  };
}

async function startReplica({
  store,
  sends,
  settings,
}: {
  store: TimerStore;
  sends: Map<string, number[]>;
  settings: Pick<SchedulerSettings, 'pollIntervalMs' | 'lookaheadMs'>;
}): Promise<Replica> {
  const storeClock = createRemoteClock({ clock: systemClock });
  for (let reading = 0; reading < 5; reading++) storeClock.observe(await store.readClock());
  const scheduler = createScheduler({
    store,
    storeClock,
    clock: systemClock,
    actions: [
      {
        name: 'webhook',
        laneOf: ({ url }) => new URL(url).host,
        concurrency: 128,
        deadlineMs: () => 1000,
        perform({ id }) {
          sends.set(id, [...(sends.get(id) ?? []), storeClock.now()]);
          return Promise.resolve(delivered);
        },
      },
    ],
    destinationsOf: 'webhook',
    random: Math.random,
    logger: pino({ level: 'silent' }),
    settings: {
      batchSize: 500,
      ...settings,
      leaseMs: 30_000,
      maxConcurrency: 512,
      maxRatePerLane: null,
      giveUpAfterMs: 3_600_000,
    },
  });
  await scheduler.start();
  await eventually(() => scheduler.isBeating());
  const findOwn = createFindOwn({ store });
  return {
    store,
    storeClock,
    scheduler,
    changeOwn: createChangeOwn({ store, findOwn, storeClock, shortTimers: scheduler }),
  };
}

async function onServer(kind: 'mysql' | 'mariadb') {
  const database = await createDatabase(kind);
  const settings = mysqlSettings(database.url);
  const stores = [await openMysqlStore(settings), await openMysqlStore(settings)];
  return {
    stores,
    async close() {
      await Promise.all(stores.map((store) => store.close()));
      await database.drop();
    },
  };
}

/** One process has a SQLite file to itself, so both replicas are in it and share its store. */
async function onFile() {
  const store = await openSqliteStore({ engine: 'sqlite', file: ':memory:' }, { clock: systemClock });
  return { stores: [store, store], close: () => store.close() };
}
