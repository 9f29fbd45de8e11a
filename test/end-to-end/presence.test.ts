import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { queryServer } from '../support/databases.ts';
import { KINDS, startStatusServer, type StatusServer } from '../support/status-server.ts';
import { scenario, sized, tell, until, type Scenario } from './scenario.ts';

/** All times of the full run are five times those of the scaled one. */
const UNIT = sized(5, 1);
const IDS = Array.from({ length: sized(200, 60) }, (_, index) => index);
const ROUNDS = sized(12, 6);
const EVERY_MS = UNIT * 1000;
const TTL_MS = UNIT * 6000;
const INTERVAL_MS = UNIT * 600;
const FASTEST_MS = UNIT * 60;
const SLOWEST_MS = UNIT * 800;
/** What the machine may take beyond what is promised: between the clocks of two processes, and to look. */
const CLOCK_SLACK_MS = 5;
const SLACK_MS = 1000;
/** Webhooks beside the checks may be this much later than without them. */
const P99_WITHIN_MS = 20;

const ENV = {
  OBJECTS_TIMEOUT_MS: String(UNIT * 1000),
  OBJECT_TTL_SECONDS: String(TTL_MS / 1000),
  ROUTINE_INTERVAL: String(INTERVAL_MS / 1000),
};

const kindOf = (id: string) => KINDS[Number(id) % KINDS.length] ?? 'online';
/** Online too, and asked for in one round alone: nobody asks again where their check is lost. */
const SINGLES_PER_ROUND = 10;
const singlesOf = (round: number) =>
  Array.from(
    { length: SINGLES_PER_ROUND },
    (_, index) => (1_000_000 + round * SINGLES_PER_ROUND + index) * KINDS.length,
  );
const singles = Array.from({ length: ROUNDS }, (_, round) => singlesOf(round)).flat();
const online = IDS.filter((id) => kindOf(String(id)) === 'online').map(String);

interface SeenObject {
  id: string;
  last_seen: string;
  expires_in: number;
}

test(
  'Two hundred objects are checked again and again, kept while they are seen and forgotten in time, through the death of a replica',
  scenario(async (given) => {
    const { database, start, faults, elsewhere } = given;
    const { receiver: goodbyes } = await elsewhere();
    const statusServer = await startStatusServer({
      kindOf,
      takesMs: () => FASTEST_MS + Math.random() * (SLOWEST_MS - FASTEST_MS),
    });
    try {
      const { DATABASE_URL } = await database('mysql');
      const env = {
        ...ENV,
        DATABASE_URL,
        OBJECTS_URL: statusServer.url,
        OBJECT_GONE_URL: goodbyes.urlOf(0),
      };
      const [victim, survivor] = await Promise.all([start('victim', env), start('survivor', env)]);
      const replicas = [victim, survivor];

      for (let round = 0; round < ROUNDS; round++) {
        const nextAt = performance.now() + EVERY_MS;
        const ids = [...IDS, ...singlesOf(round)];
        const isKilling = round === ROUNDS / 2;
        const replica = isKilling ? victim : replicas[round % replicas.length];
        if (replica === undefined) throw new Error('no replica is left');
        // So that it is the victim that holds what it accepts.
        if (isKilling) await survivor.freeze();
        expect(await callback(replica.url, ids)).toEqual({ status: 202, accepted: ids.length });
        if (isKilling) {
          await until('it looks at objects', () => isUnderWay(statusServer, singlesOf(round)));
          const killedAt = await victim.kill();
          survivor.thaw();
          faults.push({ kind: 'kill -9', from: killedAt, to: killedAt });
          replicas.splice(replicas.indexOf(victim), 1);
        }
        await delay(Math.max(nextAt - performance.now(), 0));
      }
      await expectAllPresent(survivor.url, statusServer);

      const { api, row } = await untilGone(survivor.url, async () => {
        const rows = await queryServer(DATABASE_URL, 'SELECT CAST(id AS CHAR) AS id FROM objects');
        return new Set(rows.map(({ id }) => String(id)));
      });
      expectNothingLost(statusServer);
      // Every object that was ever seen is said goodbye to, so none of the single ones went unseen.
      const farewells = () => new Set(goodbyes.arrivals.map(({ webhookId }) => webhookId)).size;
      await until('every goodbye has arrived', () => farewells() >= online.length + singles.length);
      expect(farewells()).toBe(online.length + singles.length);
      const [rows] = await queryServer(DATABASE_URL, "SELECT COUNT(*) AS n FROM timers WHERE action = 'object-check'");
      tell(
        [
          `${IDS.length} ids every ${EVERY_MS} ms for ${ROUNDS * EVERY_MS} ms on two replicas, one killed`,
          `looks ${statusServer.asked.length}, answered ${statusServer.asked.filter(({ answeredAt }) => answeredAt !== null).length}`,
          `checks revived ${survivor.log.filter(({ msg }) => msg === 'presence.checks_revived').reduce((sum, { checks }) => sum + Number(checks), 0)}, rows of checks ${String(rows?.n)}`,
          `after their time to live gone from the API within ${api.at(-1)} ms, from the table within ${row.at(-1)} ms`,
        ].join('\n'),
      );
      expect(Number(rows?.n)).toBe(IDS.length + singles.length);
      expect(api.at(-1)).toBeLessThan(SLACK_MS);
      expect(row[0]).toBeGreaterThanOrEqual(-CLOCK_SLACK_MS);
      expect(row.at(-1)).toBeLessThan(INTERVAL_MS + SLACK_MS);
    } finally {
      await statusServer.close();
    }
  }),
  240_000,
);

test(
  'Webhooks are as punctual beside checks as without them',
  scenario(async (given) => {
    const statusServer = await startStatusServer({
      kindOf,
      takesMs: () => FASTEST_MS + Math.random() * (SLOWEST_MS - FASTEST_MS),
    });
    try {
      const env = { ...ENV, ...(await given.database('mysql')), OBJECTS_URL: statusServer.url };
      const [one, other] = await Promise.all([given.start('one', env), given.start('other', env)]);
      const without = await latenessOf(given, [one.url, other.url]);
      const over = new AbortController();
      const producing = produce([one, other], over.signal);
      const beside = await latenessOf(given, [one.url, other.url]);
      over.abort();
      await producing;
      tell(`p99 of webhooks without checks ${without} ms, beside them ${beside} ms`);
      expect(statusServer.asked.length).toBeGreaterThan(IDS.length / 2);
      expect(beside).toBeLessThan(without + P99_WITHIN_MS);
    } finally {
      await statusServer.close();
    }
  }),
  240_000,
);

/** Has all objects checked every so often, by the replicas in turn, until it is told to stop. */
async function produce(replicas: { url: string }[], signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    await callback(replicas[round % replicas.length]?.url ?? '', IDS);
    await delay(EVERY_MS);
  }
}

async function callback(base: string, ids: number[]): Promise<{ status: number; accepted: number }> {
  const response = await fetch(`${base}/callback`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ object_ids: ids }),
  });
  const { accepted } = (await response.json()) as { accepted: number };
  return { status: response.status, accepted };
}

async function listAll(base: string): Promise<SeenObject[]> {
  const objects: SeenObject[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const response = await fetch(`${base}/objects?limit=50${query}`);
    const page = (await response.json()) as { objects: SeenObject[]; next_cursor: string | null };
    objects.push(...page.objects);
    cursor = page.next_cursor;
  }
  return objects;
}

const isUnderWay = ({ asked }: StatusServer, ids: number[]) =>
  asked.some(({ id, answeredAt }) => answeredAt === null && ids.includes(Number(id)));

/** Exactly those that are online, each as of its last answer. */
async function expectAllPresent(base: string, { asked }: StatusServer): Promise<void> {
  const answeredBefore = new Map(
    asked.flatMap(({ id, kind, answeredAt }) =>
      kind === 'online' && answeredAt !== null && answeredAt < Date.now() - 200 ? [[id, answeredAt] as const] : [],
    ),
  );
  const objects = await listAll(base);
  const known = new Map(objects.map(({ id, last_seen }) => [id, Date.parse(last_seen)]));
  expect([...known.keys()].filter((id) => kindOf(id) !== 'online')).toEqual([]);
  for (const id of online) {
    expect({ id, isKnown: known.has(id) }).toEqual({ id, isKnown: true });
    expect(known.get(id)).toBeGreaterThanOrEqual((answeredBefore.get(id) ?? NaN) - CLOCK_SLACK_MS);
  }
}

/** Each of the ids that were asked for once was told to be online, to somebody who was there to hear it. */
function expectNothingLost({ asked }: StatusServer): void {
  const answered = new Set(asked.flatMap(({ id, answeredAt }) => (answeredAt === null ? [] : [Number(id)])));
  expect(singles.filter((id) => !answered.has(id))).toEqual([]);
}

/** Looks again and again until none is left. Tells how long after its time to live each was first missed, milliseconds. */
async function untilGone(base: string, rowsLeft: () => Promise<Set<string>>) {
  const lastSeen = new Map<string, number>();
  const apiAt = new Map<string, number>();
  const rowAt = new Map<string, number>();
  const noteMissing = (at: Map<string, number>, ids: Set<string>, now: number) => {
    for (const id of online) if (!ids.has(id) && !at.has(id)) at.set(id, now);
  };
  await until(
    'every object is gone',
    async () => {
      const objects = await listAll(base);
      for (const { id, last_seen } of objects) lastSeen.set(id, Date.parse(last_seen));
      noteMissing(apiAt, new Set(objects.map(({ id }) => id)), Date.now());
      noteMissing(rowAt, await rowsLeft(), Date.now());
      return rowAt.size === online.length;
    },
    TTL_MS * 2 + INTERVAL_MS + 10_000,
  );
  const late = (at: Map<string, number>) =>
    online.map((id) => (at.get(id) ?? NaN) - (lastSeen.get(id) ?? NaN) - TTL_MS).sort((a, b) => a - b);
  return { api: late(apiAt), row: late(rowAt) };
}

/** p99 over webhooks asked of both replicas at a steady pace, milliseconds. */
async function latenessOf({ elsewhere }: Scenario, bases: string[]): Promise<number> {
  const { receiver, client } = await elsewhere();
  const count = sized(2000, 200);
  await client.create({
    count,
    perSecond: sized(50, 100),
    delayMs: (number) => (number * 37) % 2000,
    target: (number) => bases[number % bases.length] ?? '',
  });
  await until('all of them have arrived', () => new Set(receiver.arrivals.map(({ id }) => id)).size === count);
  const dueAt = new Map(client.intents.map((intent) => [intent.id, intent.dueAt ?? NaN]));
  const late = receiver.arrivals.map(({ id, at }) => at - (dueAt.get(id) ?? NaN)).sort((a, b) => a - b);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  return late[Math.floor(late.length * 0.99)] ?? NaN;
}
