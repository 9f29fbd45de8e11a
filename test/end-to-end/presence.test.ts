import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { queryServer } from '../support/databases.ts';
import { KINDS, type StatusServer } from '../support/status-server.ts';
import { callback, ENV, EVERY_MS, IDS, INTERVAL_MS, kindOf, startMixedStatusServer, TTL_MS } from './presence-world.ts';
import { scenario, sized, tell, until } from './scenario.ts';

const ROUNDS = sized(12, 6);
/** What the machine may take beyond what is promised: between the clocks of two processes, and to look. */
const CLOCK_SLACK_MS = 5;
const SLACK_MS = 1000;

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
    const statusServer = await startMixedStatusServer();
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
        let answer = await callback(replica.url, ids);
        // Frozen within a transaction it holds its rows for as long as the server lets it: then at another moment.
        while (isKilling && answer.status === 503) {
          survivor.thaw();
          await delay(50);
          await survivor.freeze();
          answer = await callback(replica.url, ids);
        }
        expect(answer).toEqual({ status: 202, accepted: ids.length });
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

/**
 * Exactly those that are online, each as of its last answer. What was answered to a replica as it was killed nobody has heard:
 * that is known once its check has been found and the object looked at again.
 */
async function expectAllPresent(base: string, { asked }: StatusServer): Promise<void> {
  const answeredBefore = new Map(
    asked.flatMap(({ id, kind, answeredAt }) =>
      kind === 'online' && answeredAt !== null && answeredAt < Date.now() - 200 ? [[id, answeredAt] as const] : [],
    ),
  );
  const isKnown = async () => {
    const known = new Map((await listAll(base)).map(({ id, last_seen }) => [id, Date.parse(last_seen)]));
    expect([...known.keys()].filter((id) => kindOf(id) !== 'online')).toEqual([]);
    expect(online.filter((id) => !known.has(id))).toEqual([]);
    return online.every((id) => (known.get(id) ?? NaN) >= (answeredBefore.get(id) ?? NaN) - CLOCK_SLACK_MS);
  };
  await until('each is known as of its last answer', isKnown, 2 * SLACK_MS);
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
