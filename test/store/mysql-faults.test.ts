import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { pino } from 'pino';
import { systemClock as clock } from '../../src/platform/index.ts';
import { openStore } from '../../src/store/index.ts';
import { createRetrying } from '../../src/store/mysql/retrying.ts';
import { BadValue, Refusal, type ClaimResult } from '../../src/timers/index.ts';
import { queryServer } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { claimOf, makeTimer, makeTimers, pulseOf, resultOf } from '../support/timers.ts';
import {
  ANSWER_MS,
  everyVerb,
  expectAnswersInTime,
  expectRecovery,
  itOnBoth,
  usePrivateServers,
  withFaultyStore,
  works,
  type FaultRig,
} from './fault-rig.ts';
import { connectTo, timed } from './mysql-under-test.ts';

/** Far from any deadline, on a busy machine too. */
const AT_ONCE_MS = 2000;

const servers = usePrivateServers();

const itSurvives = (name: string, test: (rig: FaultRig) => Promise<void>, run?: typeof it.concurrent) =>
  itOnBoth(name, (kind) => withFaultyStore(servers.get(kind), test), run);

/** Beside others, for it leaves the server alone. */
const itSurvivesBesides = (name: string, test: (rig: FaultRig) => Promise<void>) =>
  itSurvives(name, test, it.concurrent);

/** What a client that froze or was cut off may hide of the rows, and the time to see it. */
const HIDDEN_MS = 10_000 + 1500;

const SILENCES = [
  { name: 'between two statements of a record', answer: 'short' },
  // Of a statement this long the server has a part when the silence begins.
  { name: 'in the middle of sending a statement of a record', answer: 'x'.repeat(1000) },
];

describe('A store whose connections fail', () => {
  // The longest first, as a few at a time are under way.
  for (const scenario of SILENCES) {
    itSurvivesBesides(`hides no row for more than ten seconds when it falls silent ${scenario.name}`, (rig) =>
      expectRowsBack(rig, scenario),
    );
  }

  itSurvivesBesides(
    'answers in time through a black hole, and works again after it on new connections',
    async (rig) => {
      const { store, proxy } = rig;
      const before = new Set(await rig.sessions());
      proxy.blackHole();
      await expectAnswersInTime(store);
      await expectAnswersInTime(store);

      await proxy.pass();
      await expectRecovery(store);

      const now = await rig.sessions();
      expect(now.filter((id) => before.has(id))).toEqual([]);
      expect(now.length).toBeLessThanOrEqual(rig.direct.poolSize);
    },
  );

  itSurvivesBesides(
    'answers in time when one answer does not come, and gives that connection to nobody else',
    async (rig) => {
      const before = rig.proxy.accepted;
      const silent = rig.proxy.once(/MIN\(wake_at\)/, 'fall silent');

      await expectAnswersInTime(rig.store);
      await silent;

      expect(await works(rig.store)).toBe(true);
      expect(rig.proxy.accepted).toBeGreaterThan(before);
    },
  );

  itSurvivesBesides(
    'answers at once while connections are refused, and works again after that',
    async ({ store, proxy }) => {
      await proxy.refuse();
      for (const { ms, error } of await Promise.all(everyVerb(store).map(timed))) {
        expect(ms).toBeLessThan(AT_ONCE_MS);
        expect(error).toBeInstanceOf(Refusal);
      }
      await proxy.pass();
      await expectRecovery(store);
    },
  );

  itSurvivesBesides('answers each of two thousand inserts in time while nothing passes', async ({ store, proxy }) => {
    proxy.blackHole();
    for (const { ms, error } of await Promise.all(makeTimers(2000).map((timer) => timed(store.insert([timer]))))) {
      expect(ms).toBeLessThan(ANSWER_MS);
      expect(error).toMatchObject({ code: 'store_unavailable' });
    }
  });

  itSurvivesBesides('closes in time while nothing answers', async ({ direct, proxy }) => {
    // With the tries that a service has: a stall of the machine is not what this is about.
    const settings = { ...direct, port: proxy.port };
    const logger = pino({ level: 'silent' });
    const other = await openStore({ settings, tries: 3, waitMs: 100, clock, logger });
    await Promise.all(everyVerb(other));
    proxy.blackHole();
    expect((await timed(other.close())).ms).toBeLessThan(ANSWER_MS);
  });

  itSurvivesBesides('does not notice that idle ones are killed', async (rig) => {
    for (const id of await rig.sessions()) await queryServer(rig.server.url, `KILL ${id}`);
    await eventually(async () => (await rig.sessions()).length === 0);

    expect(await works(rig.store)).toBe(true);
  });

  itSurvivesBesides(
    'answers in time when they are killed in the middle of statements, and works again',
    async (rig) => {
      const blocker = await rig.lockEverything();
      const answers = Promise.all(everyVerb(rig.store).map(timed));
      await eventually(async () => (await rig.sessions()).length > 2);
      for (const id of await rig.sessions()) {
        if (id !== blocker.threadId) await queryServer(rig.server.url, `KILL ${id}`).catch(() => undefined);
      }

      for (const { ms } of await answers) expect(ms).toBeLessThan(ANSWER_MS);
      await blocker.end();
      await expectRecovery(rig.store);
    },
  );

  itSurvivesBesides('answers in time while its rows are locked, and writes once they are free', async (rig) => {
    const { store } = rig;
    const held = await insertAndClaim(store, 5);
    const results = held.map((row) => resultOf(row));
    const blocker = await rig.lockEverything();

    const { ms, error } = await timed(store.record(results));

    expect(ms).toBeLessThan(ANSWER_MS);
    expect(error).toMatchObject({ code: 'store_unavailable', cause: { errno: 1205 } });
    await blocker.end();
    expect(await store.record(results)).toEqual([]);
    expect(await store.find(held[0]?.id ?? '')).toMatchObject({ status: 'done', attempts: 1 });
  });
});

describe('A store that is given a result which fits no column', () => {
  itSurvives('says so, however its server does', async ({ store }) => {
    const [held] = await insertAndClaim(store, 1);
    if (held === undefined) throw new Error('nothing was claimed');
    const { attempt } = resultOf(held);
    const bad = [{ httpStatus: 99_999 }, { errorCode: 'größer' }, { errorMessage: 'half a pair: \ud83d' }];
    for (const over of bad) {
      const result = resultOf(held, { status: 'failed', attempt: attempt && { ...attempt, ...over } });
      await expect(store.record([result])).rejects.toBeInstanceOf(BadValue);
    }
  });
});

describe('A store in a deadlock', () => {
  itSurvives('does again what was rolled back, and tells nobody', async ({ store, database }) => {
    const held = await insertAndClaim(store, 20);
    const ids = held.map(({ id }) => id).sort();
    const [first, last] = [ids[0], ids.at(-1)].map((id) => `UNHEX('${(id ?? '').replaceAll('-', '')}')`);
    const other = await createConnection(database.url);
    await other.query('BEGIN');
    // Of the two the one that has written less is rolled back.
    await other.query('CREATE TEMPORARY TABLE weight (n INT) ENGINE = InnoDB');
    await other.query(`INSERT INTO weight VALUES ${Array(1000).fill('(1)').join()}`);
    await other.query(`UPDATE timers SET lost = 9 WHERE id = ${last}`);
    const deadlocks = await count(other, DEADLOCKS);

    const recording = store.record(held.map((row) => resultOf(row)));
    await eventually(async () => {
      await delay(STALE_MS);
      return (await count(other, WAITERS)) > 0;
    });
    await other.query(`UPDATE timers SET lost = 9 WHERE id = ${first}`);
    await other.query('COMMIT');

    expect(await recording).toEqual([]);
    expect(await count(other, DEADLOCKS)).toBe(deadlocks + 1);
    expect(await store.find(ids[0] ?? '')).toMatchObject({ status: 'done', attempts: 1 });
    await other.end();
  });

  itSurvives('does again what had to wait for its connection, like all else', async ({ direct }) => {
    const db = connectTo(direct);
    const retrying = createRetrying(db);
    // For longer than tries are begun.
    const holding = retrying(() => delay(700));
    let tries = 0;

    await retrying(async (connection) => {
      tries++;
      if (tries === 1) await sql`SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213`.execute(connection);
    });

    expect(tries).toBe(2);
    await holding;
    await db.destroy();
  });

  itSurvives('gives up in time what is rolled back again and again', async ({ direct }) => {
    const db = connectTo(direct);
    let tries = 0;
    const { ms, error } = await timed(
      createRetrying(db)(async (connection) => {
        tries++;
        await sql`SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213`.execute(connection);
      }),
    );

    expect(error).toMatchObject({ code: 'store_unavailable' });
    expect(tries).toBeGreaterThan(2);
    expect(ms).toBeLessThan(ANSWER_MS);
    await db.destroy();
  });
});

/** Of Group Replication, by a member that stops, was expelled, or has just become the primary. */
const GROUP_FAULTS = [3100, 3781, 3782, 3783, 3796, 3797, 3798, 3799];

describe('A store whose server', () => {
  itSurvives('leaves its group does once more, on another connection, what may not have been done', async (rig) => {
    const db = connectTo(rig.direct);
    const retrying = createRetrying(db);
    for (const errno of GROUP_FAULTS) {
      const connections = new Set<number>();
      const answer = retrying(async (connection, again) => {
        const { rows } = await sql<{ id: number }>`SELECT CONNECTION_ID() AS id`.execute(connection);
        connections.add(Number(rows[0]?.id));
        if (!again) await sql`SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${sql.lit(errno)}`.execute(connection);
        return again;
      });

      expect([errno, await answer.catch((error: unknown) => error)]).toEqual([errno, true]);
      expect(connections.size).toBe(2);
    }
    await db.destroy();
  });

  itSurvives('is read-only refuses to write, and writes again later, on no connection of before', async (rig) => {
    await rig.withPlainUser(async ({ store, user }) => {
      const before = new Set(await rig.sessions(user));
      await queryServer(rig.server.url, 'SET GLOBAL read_only = ON');

      const { ms, error } = await timed(store.insert([makeTimer()]));
      expect(ms).toBeLessThan(ANSWER_MS);
      expect(error).toMatchObject({ code: 'store_unavailable', cause: { errno: 1290 } });
      expect(await store.find(crypto.randomUUID())).toBeUndefined();
      // By these a replica tells whether it is ready, also one that has nothing to write just now.
      await expect(store.pulse(pulseOf())).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(store.readClock()).rejects.toMatchObject({ code: 'store_unavailable' });
      await expectAnswersInTime(store);

      await queryServer(rig.server.url, 'SET GLOBAL read_only = OFF');
      await expectRecovery(store);
      expect((await rig.sessions(user)).filter((id) => before.has(id))).toEqual([]);
    });
  });

  itSurvives('takes no more connections gets by with those it has, and grows again later', async (rig) => {
    await rig.withPlainUser(async ({ store, url }) => {
      const others: Connection[] = [];
      const [row] = await queryServer(rig.server.url, "SHOW GLOBAL STATUS LIKE 'Threads_connected'");
      await queryServer(rig.server.url, `SET GLOBAL max_connections = ${Math.max(Number(row?.Value), 10) + 3}`);
      const full = await fill(url, others);
      expect(full).toMatchObject({ errno: 1040 });

      await expectAnswersInTime(store);

      for (const other of others) other.destroy();
      await expectRecovery(store);
      await queryServer(rig.server.url, 'SET GLOBAL max_connections = 500');
    });
  });

  itSurvives('lets the service have few connections serves everybody by these, one after the other', async (rig) => {
    await rig.withPlainUser(async ({ store, user }) => {
      await queryServer(rig.server.url, `ALTER USER ${user}@'%' WITH MAX_USER_CONNECTIONS 3`);

      const found = await Promise.all(Array.from({ length: 1000 }, () => store.find(crypto.randomUUID())));

      expect(found).toHaveLength(1000);
    });
  });

  itSurvives('is frozen answers in time, and works again when it thaws', async ({ store, server }) => {
    await server.freeze();
    await expectAnswersInTime(store);
    server.thaw();
    await expectRecovery(store);
  });

  itSurvives('shuts down answers in time, and works again when it is back', async ({ store, server }) => {
    const [answers] = await Promise.all([expectAnswersInTime(store), server.shutdown()]);
    expect(answers).toBeUndefined();
    await expectAnswersInTime(store);
    await server.restart();
    await expectRecovery(store);
  });

  itSurvives('crashes answers in time, and keeps what it has said to be stored', async ({ store, server }) => {
    const timers = makeTimers(100);
    const answers = timers.map((timer) => store.insert([timer]).then(() => timer.id));
    await Promise.race(answers);
    await server.kill();
    const stored = (await Promise.allSettled(answers)).flatMap((answer) =>
      answer.status === 'fulfilled' ? [answer.value] : [],
    );
    await expectAnswersInTime(store);

    await server.restart();
    await expectRecovery(store);

    expect(stored.length).toBeGreaterThan(0);
    for (const id of stored) expect(await store.find(id)).toBeDefined();
  });
});

async function expectRowsBack({ store, proxy, query }: FaultRig, { answer }: (typeof SILENCES)[number]): Promise<void> {
  const held = await insertAndClaim(store, 490);
  const silent = proxy.once(/INSERT IGNORE INTO attempts/, 'fall silent');
  const recording = timed(store.record(held.map((row) => failed(resultOf(row), answer))));
  await silent;
  const silentSince = performance.now();
  const isFree = () =>
    query('SELECT id FROM timers FOR UPDATE NOWAIT').then(
      () => true,
      () => false,
    );

  expect(await isFree()).toBe(false);
  await eventually(isFree, HIDDEN_MS);
  expect(performance.now() - silentSince).toBeGreaterThan(5000);

  expect(await recording).toMatchObject({ error: { code: 'store_unavailable' } });
  await proxy.pass();
  expect(await store.record(held.map((row) => failed(resultOf(row), answer)))).toEqual([]);
}

function failed(result: ClaimResult, answer: string): ClaimResult {
  if (result.attempt === null) return result;
  return { ...result, status: 'failed', reason: 'gone', attempt: { ...result.attempt, answer } };
}

async function insertAndClaim(store: FaultRig['store'], count: number) {
  const timers = makeTimers(count);
  await store.insert(timers);
  const ids = new Set(timers.map(({ id }) => id));
  return (await store.claim(claimOf())).filter(({ id }) => ids.has(id));
}

/** What is told of transactions is as old as this, and made anew only when nobody has asked for as long. */
const STALE_MS = 120;
const WAITERS = "SELECT COUNT(*) AS n FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
const DEADLOCKS = "SELECT count AS n FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'";

async function count(connection: Connection, query: string): Promise<number> {
  const [rows] = await connection.query<RowDataPacket[]>(query);
  return Number(rows[0]?.n);
}

/** Opens connections until the server takes no more; says how it refused. */
async function fill(url: string, connections: Connection[]): Promise<unknown> {
  for (;;) {
    try {
      connections.push(await createConnection(url));
    } catch (error) {
      return error;
    }
  }
}
