import { describe, expect, test } from '@jest/globals';
import { queryServer } from '../support/databases.ts';
import { surplusOf } from '../support/ledger.ts';
import { SHORT_LEASE, SHORT_LEASE_MS } from '../support/service-process.ts';
import { FLAWLESS, scenario, sized, tell, until, untilInstant } from './scenario.ts';

/** A poll with its jitter, and what a busy machine may add to it. */
const POLL_AND_SLACK_MS = 600 + 3000;
/** What is overdue by less than this goes before the backlog. */
const FRESH_MS = 2000;
/** After a start nobody's lease is taken over for this long. */
const GRACE_MS = 5000;

describe('A replica that is killed', () => {
  test.concurrent(
    'loses nothing and doubles at most what it had sent and not recorded; another one sends what it held when the leases run out',
    scenario(async ({ client, receiver, faults, database, start, allDone, figures }) => {
      const [count, inFlightAtMost] = [sized(2000, 500), 16];
      const database_ = await database('mysql');
      const env = { ...database_, ...SHORT_LEASE, MAX_CONCURRENCY: String(inFlightAtMost) };
      const [victim, survivor] = await Promise.all([start('victim', env), start('survivor', env)]);
      receiver.answerBy(() => ({ status: 204, afterMs: 40 }));

      const created = client.create({
        count,
        perSecond: 200,
        delayMs: (number) => (number * 37) % 2000,
        // From the kill on the balancer has only one left.
        target: (number) => (number % 2 === 0 && faults.length === 0 ? victim.url : survivor.url),
      });
      await until('half of the timers were sent', () => receiver.arrivals.length > count / 2, 30_000);
      const killedAt = await victim.kill();
      faults.push({ kind: 'kill -9', from: killedAt, to: killedAt });
      // The survivor's are among them: whose claim it was is gone with the victim.
      const held = await queryServer(
        database_.DATABASE_URL,
        "SELECT BIN_TO_UUID(id) AS id FROM timers WHERE status = 'executing'",
      );
      const unrecorded = new Set(held.map(({ id }) => String(id)));
      await created;
      await allDone(survivor, 30_000);

      const { indeterminate, doubledInFaults, lateness, ...others } = figures(
        `${count} timers, one of two replicas killed`,
      );
      tell(`${unrecorded.size} claimed and without a result just after the kill`);
      // A request that was under way to the victim has no answer; the one that found its port closed was refused.
      expect(others).toMatchObject({ lost: 0, ghost: 0, early: 0, doubled: 0, fenceRegressions: 0 });
      expect(others.acked + others.refused + indeterminate).toBe(count);
      const surplus = [...Map.groupBy(receiver.arrivals, ({ id }) => id).values()].flatMap(surplusOf);
      for (const { arrival, forerunner } of surplus) {
        if (arrival.attempt === forerunner.attempt) expect(unrecorded).toContain(arrival.id);
      }
      expect(doubledInFaults).toBeLessThanOrEqual(unrecorded.size);
      // Those that it held, and only those, waited for the end of its leases.
      expect(lateness.max).toBeLessThan(SHORT_LEASE_MS + GRACE_MS + POLL_AND_SLACK_MS);
      expect(lateness.max).toBeGreaterThan(SHORT_LEASE_MS - 3000);
    }),
    60_000,
  );

  test.concurrent(
    'on SQLite has its timers sent at its next start, whatever was left of their leases',
    scenario(async ({ client, receiver, faults, database, start, allDone, figures }) => {
      // The default lease of 30 s: nobody waits for it.
      const replica = await start('replica', await database('sqlite'));
      receiver.answerBy(() => ({ status: 204, afterMs: 300 }));

      // Claimed as soon as they are made, and killed while some are being sent and the others wait for their instant.
      const load = { count: 100, perSecond: 500, delayMs: (number: number) => number * 9, target: () => replica.url };
      await client.create(load);
      const killedAt = await replica.kill();
      faults.push({ kind: 'kill -9', from: killedAt, to: killedAt });
      await replica.start();
      const readyAt = Date.now();
      await allDone(replica);

      const { doubledInFaults, ...others } = figures('SQLite, killed and started again');
      expect(others).toMatchObject({ acked: 100, received: 100, lost: 0, ghost: 0, early: 0, doubled: 0 });
      expect(doubledInFaults).toBeGreaterThan(0);
      const lastArrival = Math.max(...receiver.arrivals.map(({ at }) => at));
      expect(lastArrival - readyAt).toBeLessThan(POLL_AND_SLACK_MS);
    }),
  );
});

describe('Timers that fell due while everything was down', () => {
  test.concurrent.each(['sqlite', 'mysql'] as const)('are sent at the next start, the oldest first (%s)', (kind) =>
    scenario(async ({ client, receiver, database, elsewhere, start, allDone, figures }) => {
      const inFlightAtMost = 8;
      const env = { ...(await database(kind)), ...SHORT_LEASE, MAX_CONCURRENCY: String(inFlightAtMost) };
      const replica = await start('replica', env);
      const count = sized(500, 200);
      // Beyond the lookahead, so that none of them is claimed when everything goes down.
      await client.create({
        count,
        perSecond: 400,
        delayMs: (number) => sized(4000, 2600) - number,
        target: () => replica.url,
      });
      await replica.kill();
      expect(receiver.arrivals).toEqual([]);
      await untilInstant(Math.max(...client.intents.map(({ dueAt }) => dueAt ?? 0)) + FRESH_MS);
      // Slow enough that the overdue ones still queue when the others fall due, and fast enough for the leases.
      receiver.answerBy(() => ({ status: 204, afterMs: sized(30, 50) }));
      await replica.start();

      const other = await elsewhere();
      await other.client.create({ count: 20, perSecond: 20, delayMs: () => 0, target: () => replica.url });
      await until('those due now were sent', () => other.receiver.arrivals.length === 20);
      expect(receiver.arrivals.length).toBeLessThan(count);
      for (const arrival of other.receiver.arrivals) expect(arrival.at - arrival.dueAt).toBeLessThan(1000);

      await allDone(replica);
      expect(figures(`${count} timers overdue at the start (${kind})`)).toMatchObject({ ...FLAWLESS, received: count });
      const dues = receiver.arrivals.map(({ dueAt }) => dueAt);
      const rank = new Map(dues.toSorted((a, b) => a - b).map((due, index) => [due, index]));
      // Several are on their way at once and may overtake one another, but no further than that.
      const overtaken = dues.map((due, index) => Math.abs((rank.get(due) ?? 0) - index));
      expect(Math.max(...overtaken)).toBeLessThanOrEqual(2 * inFlightAtMost);
    })(),
  );
});
