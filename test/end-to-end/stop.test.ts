import { describe, expect, test } from '@jest/globals';
import { queryServer } from '../support/databases.ts';
import { runService, SHORT_LEASE } from '../support/service-process.ts';
import { FLAWLESS, scenario, until } from './scenario.ts';

describe('A replica that gets SIGTERM', () => {
  test.concurrent(
    'finishes the requests in flight, hands back what it did not send, and exits with 0',
    scenario(async ({ client, receiver, database, start, allDone, figures }) => {
      const database_ = await database('mysql');
      const env = { ...database_, ...SHORT_LEASE, MAX_CONCURRENCY: '4' };
      const replica = await start('replica', env);
      receiver.answerBy(() => ({ status: 204, afterMs: 400 }));
      // All of them due at about the same time, and only four can be on their way at once.
      await client.create({ count: 24, perSecond: 400, delayMs: () => 300, target: () => replica.url });
      await until('some are in flight', () => receiver.inFlight() === 4);

      const { exitCode, tookMs } = await replica.terminate();
      expect(exitCode).toBe(0);
      expect(tookMs).toBeLessThan(10_000);
      const sent = receiver.arrivals.length;
      expect(sent).toBeLessThan(24);
      expect(receiver.arrivals.every(({ status }) => status === 204)).toBe(true);
      const rows = await queryServer(
        database_.DATABASE_URL,
        'SELECT status, COUNT(*) AS n FROM timers GROUP BY status',
      );
      expect(Object.fromEntries(rows.map(({ status, n }) => [String(status), Number(n)]))).toEqual({
        done: sent,
        waiting: 24 - sent,
      });

      await replica.start();
      await allDone(replica);
      expect(figures('24 timers, stopped in between')).toMatchObject({ ...FLAWLESS, acked: 24, received: 24 });
    }),
    60_000,
  );

  test.concurrent(
    'still sends what falls due while it drains, also to hosts it was not connected to',
    scenario(async ({ client, database, start, figures }) => {
      const replica = await start('replica', await database('sqlite'));
      const load = {
        count: 20,
        perSecond: 1000,
        delayMs: (number: number) => 500 + number * 10,
        target: () => replica.url,
      };
      await client.create(load);
      expect(await replica.terminate()).toMatchObject({ exitCode: 0 });
      expect(figures('SQLite, stopped before they were due')).toMatchObject({ ...FLAWLESS, acked: 20, received: 20 });
    }),
  );

  test.concurrent(
    'refuses new work at once and keeps its promise for what it took before',
    scenario(async ({ client, receiver, database, start, allDone, figures }) => {
      const replica = await start('replica', await database('sqlite'));
      receiver.answerBy(() => ({ status: 204, afterMs: 500 }));
      await client.create({ count: 10, perSecond: 1000, delayMs: () => 100, target: () => replica.url });
      await until('they are in flight', () => receiver.inFlight() === 10);

      const stopped = replica.terminate();
      await until('nobody is let in any more', async () => {
        const [intent] = await client.create({ count: 1, perSecond: 1, delayMs: () => 0, target: () => replica.url });
        return intent?.result === 'refused';
      });
      expect(await stopped).toMatchObject({ exitCode: 0 });

      // Whatever was accepted between the signal and the refusal was accepted for good.
      await replica.start();
      await allDone(replica);
      expect(figures('SQLite, stopped')).toMatchObject({ lost: 0, ghost: 0, early: 0, doubled: 0 });
    }),
  );

  test.concurrent(
    'goes on for a while as if nothing was, but tells the load balancer to ask others',
    scenario(async ({ client, database, start, figures }) => {
      const replica = await start('replica', { ...(await database('sqlite')), DRAIN_MS: '2000' });
      const stopped = replica.terminate();
      await until('it says so', async () => (await fetch(`${replica.url}/ready`)).status === 503);
      expect(await (await fetch(`${replica.url}/metrics`)).text()).toMatch(/^punctual_ready 0$/m);

      await client.create({ count: 20, perSecond: 1000, delayMs: () => 300, target: () => replica.url });
      const { exitCode, tookMs } = await stopped;

      expect(exitCode).toBe(0);
      expect(tookMs).toBeGreaterThanOrEqual(2000);
      expect(figures('made after SIGTERM')).toMatchObject({ ...FLAWLESS, acked: 20, received: 20 });
    }),
  );
});

describe('A service whose SQLite thread dies', () => {
  test('ends with exit code 1, so that whoever watches over it starts it again', async () => {
    const preload = new URL('../support/service-process-dying-thread.ts', import.meta.url).href;
    const { exitCode, stdout } = await runService({ DATABASE_URL: 'sqlite::memory:', PORT: '0' }, { preload });
    expect(stdout).toMatch(/"service.started"/);
    expect(stdout).toMatch(/"level":60,.*"process.uncaught_exception"/);
    expect(stdout).toMatch(/The thread of the SQLite file has died/);
    expect(exitCode).toBe(1);
  });
});
