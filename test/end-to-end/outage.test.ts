import { describe, expect, test } from '@jest/globals';
import { quickStart, startServer, type DatabaseServer } from '../support/database-server.ts';
import { createDatabase } from '../support/databases.ts';
import { SHORT_LEASE, SHORT_LEASE_MS } from '../support/service-process.ts';
import { scenario, sized, tell, until, untilInstant, type Scenario } from './scenario.ts';

/** Every answer of the API comes within this, and work goes on within this after the database has come back. */
const PROMISED_MS = 5000;
/** What a busy machine may add to it. */
const SLACK_MS = 1500;
const MIB = 1024 * 1024;

/** A scenario with a database server of its own, to ill-treat. */
const withServer = (body: (world: Scenario, server: DatabaseServer) => Promise<void>) =>
  scenario(async (world) => {
    const server = await startServer('mysql', { extraArgs: quickStart });
    await body(world, server).finally(() => server.stop());
  });

describe('While the database is away', () => {
  test.concurrent(
    'the API says so within 5 s, what was being sent ends and is recorded later, and then everything goes on by itself',
    withServer(async ({ client, receiver, faults, start, allDone, figures }, server) => {
      const { url } = await createDatabase('mysql', server.url);
      const env = { DATABASE_URL: url, ...SHORT_LEASE };
      const [one, other] = await Promise.all([start('one', env), start('other', env)]);
      const replicas = [one, other];
      receiver.answerBy(() => ({ status: 204, afterMs: 300 }));
      const perSecond = sized(100, 40);
      const post = (seconds: number) =>
        client.create({
          count: seconds * perSecond,
          perSecond,
          delayMs: (number) => (number * 37) % 8000,
          target: (number) => (number % 2 === 0 ? one.url : other.url),
        });

      await post(3);
      await until('requests are in flight', () => receiver.inFlight() > 3);
      const fault = { kind: 'database kill -9', from: Date.now(), to: Infinity };
      faults.push(fault);
      await server.kill();

      // For longer than the leases: everything that is in flight now could be taken over when the database is back.
      const during = await post(2);
      for (const { result, error, sentAt, answeredAt } of during) {
        expect({ result, error }).toEqual({ result: 'indeterminate', error: '503' });
        expect(Number(answeredAt) - sentAt).toBeLessThan(PROMISED_MS + SLACK_MS);
      }
      const refusal = await fetch(`${one.url}/timers/${client.intents[0]?.id}`);
      expect(refusal.status).toBe(503);
      expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await refusal.json()).toMatchObject({ code: 'store_unavailable' });
      for (const replica of replicas) {
        await until('it is not ready', async () => (await fetch(`${replica.url}/ready`)).status === 503);
        expect((await fetch(`${replica.url}/health`)).status).toBe(200);
      }
      await untilInstant(fault.from + SHORT_LEASE_MS + 1000);

      await server.restart();
      fault.to = Date.now();
      for (const replica of replicas) {
        await until('it is ready', async () => (await fetch(`${replica.url}/ready`)).status === 200);
      }
      expect(Date.now() - fault.to).toBeLessThan(PROMISED_MS + SLACK_MS);
      await until('it sends what fell due', () => receiver.arrivals.some(({ at }) => at > fault.to));
      expect(Date.now() - fault.to).toBeLessThan(PROMISED_MS + SLACK_MS);
      await post(1);
      await allDone(one, 30_000);

      const told = figures('database killed and started again');
      expect(told).toMatchObject({ lost: 0, ghost: 0, early: 0, doubled: 0, doubledInFaults: 0, fenceRegressions: 0 });
      expect(told.acked).toBe(4 * perSecond);
    }),
    120_000,
  );

  test.concurrent(
    'requests that cannot be served do not pile up in memory',
    withServer(async ({ client, start }, server) => {
      const { url } = await createDatabase('mysql', server.url);
      const replica = await start('replica', { DATABASE_URL: url, LOG_LEVEL: 'error' });
      const [seconds, perSecond] = [sized(60, 4), sized(500, 250)];
      const post = (count: number) =>
        client.create({ count, perSecond, delayMs: () => 3_600_000, target: () => replica.url });
      // A process that has just started grows by what it learns to do.
      await post(sized(10, 3) * perSecond);
      await server.kill();
      const before = replica.residentBytes();

      const load = post(seconds * perSecond);
      let [isOver, most] = [false, before];
      void load.then(() => (isOver = true));
      await until(
        'the load has ended',
        () => {
          most = Math.max(most, replica.residentBytes());
          return isOver;
        },
        (seconds + 20) * 1000,
      );

      const answers = await load;
      expect(answers.filter(({ error }) => error !== '503')).toEqual([]);
      const slowest = Math.max(...answers.map(({ sentAt, answeredAt }) => Number(answeredAt) - sentAt));
      tell(
        `outage of ${seconds} s at ${perSecond} POST/s: memory grew by ${((most - before) / MIB).toFixed(1)} MiB, ` +
          `the slowest answer took ${slowest} ms`,
      );
      expect(slowest).toBeLessThan(PROMISED_MS + SLACK_MS);
      expect(most - before).toBeLessThan(50 * MIB);
    }),
    180_000,
  );
});
