import { describe, expect, test } from '@jest/globals';
import { FLAWLESS, scenario, sized, until } from './scenario.ts';

/** Some due at once, some by the next pass, most of them later: from 0 to 2 s. */
const spreadDelayMs = (number: number) => (number * 37) % 2000;

describe.each(['sqlite', 'mysql'] as const)('One replica on %s', (kind) => {
  test.concurrent(
    'sends each of hundreds of timers over seconds once and none early',
    scenario(async ({ client, database, start, allDone, figures }) => {
      const replica = await start('replica', await database(kind));

      const count = sized(500, 300);
      await client.create({ count, perSecond: 100, delayMs: spreadDelayMs, target: () => replica.url });
      await allDone(replica);

      expect(figures(`${count} timers on ${kind}`)).toMatchObject({ ...FLAWLESS, acked: count, received: count });
      const metrics = await (await fetch(`${replica.url}/metrics`)).text();
      expect(metrics.split('\n')).toEqual(
        expect.arrayContaining([
          `punctual_attempts_total{action="webhook",status="done"} ${count}`,
          `punctual_lateness_seconds_count{action="webhook"} ${count}`,
          `punctual_http_request_duration_seconds_count{method="POST",route="/timers",status="201"} ${count}`,
          'punctual_ready 1',
          'punctual_timers_held 0',
        ]),
      );
    }),
  );
});

describe('Two replicas on one MySQL', () => {
  test.concurrent(
    'share the timers: each is sent once, none early, by both of them',
    scenario(async ({ client, database, start, allDone, figures }) => {
      const count = sized(2000, 400);
      const env = { ...(await database('mysql')), LOG_LEVEL: 'debug' };
      const [one, other] = await Promise.all([start('one', env), start('other', env)]);

      // All of them asked of one, so that what the other sends it has claimed.
      await client.create({
        count,
        perSecond: 200,
        delayMs: (number) => 1200 + spreadDelayMs(number),
        target: () => one.url,
      });
      await allDone(other);

      expect(figures(`${count} timers, two replicas`)).toMatchObject({ ...FLAWLESS, acked: count, received: count });
      await until(
        'both have told what they sent',
        () => one.count('timer.fired') + other.count('timer.fired') === count,
      );
      expect(one.count('timer.fired')).toBeGreaterThan(0);
      expect(other.count('timer.fired')).toBeGreaterThan(0);
    }),
  );

  test.concurrent(
    'of which one serves the API and the other schedules do the whole job together',
    scenario(async ({ client, database, start, allDone, figures }) => {
      const env = { ...(await database('mysql')), LOG_LEVEL: 'debug', ALLOWED_NETWORKS: '127.0.0.0/8' };
      const [api, scheduler] = await Promise.all([
        start('api', { ...env, ROLE: 'api' }),
        start('scheduler', { ...env, ROLE: 'scheduler' }),
      ]);

      await client.create({ count: 200, perSecond: 100, delayMs: spreadDelayMs, target: () => api.url });
      await allDone(api);

      expect(figures('ROLE=api and ROLE=scheduler')).toMatchObject({ ...FLAWLESS, acked: 200, received: 200 });
      await until('the scheduler has told what it sent', () => scheduler.count('timer.fired') === 200);
      expect(api.count('timer.fired')).toBe(0);
      const answers = [`${scheduler.url}/timers`, `${scheduler.url}/docs`, `${scheduler.url}/health`].map(
        async (url) => (await fetch(url)).status,
      );
      expect(await Promise.all(answers)).toEqual([404, 404, 200]);
    }),
  );
});
