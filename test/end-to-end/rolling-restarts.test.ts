import { expect, test } from '@jest/globals';
import { SHORT_LEASE, type Replica } from '../support/service-process.ts';
import { scenario, sized, until } from './scenario.ts';

test(
  'Rolling restarts under load lose nothing, double nothing and delay nobody by more than a second',
  scenario(async ({ client, database, start, allDone, figures }) => {
    const env = { ...(await database('mysql')), ...SHORT_LEASE };
    const replicas = await Promise.all([start('one', env), start('other', env)]);
    const [restarts, perSecond] = [sized(20, 2), 100];
    let stopping: Replica | undefined;
    const restarted = new AbortController();

    // As a balancer that is told before a replica goes, and lets it answer what it has sent there.
    const target = (number: number) => {
      const serving = replicas.filter((replica) => replica !== stopping);
      return String(serving[number % serving.length]?.url);
    };
    const load = (async () => {
      while (!restarted.signal.aborted)
        await client.create({ count: perSecond / 2, perSecond, delayMs: (number) => (number * 37) % 2000, target });
    })();
    for (let restart = 0; restart < restarts; restart++) {
      stopping = replicas[restart % 2];
      const sentBefore = client.intents.slice();
      await until('it was answered', () => sentBefore.every(({ result }) => result !== 'pending'));
      expect(await stopping?.terminate()).toMatchObject({ exitCode: 0 });
      await stopping?.start();
      stopping = undefined;
    }
    restarted.abort();
    await load;
    await allDone(replicas[0]);

    const { lateness, ...others } = figures(`${restarts} rolling restarts at ${perSecond} timers/s`);
    expect(others).toMatchObject({ lost: 0, ghost: 0, early: 0, doubled: 0, doubledInFaults: 0 });
    expect(others).toMatchObject({ refused: 0, indeterminate: 0 });
    expect(lateness.p99).toBeLessThan(1000);
    // What nobody sends waits for the end of a lease, and what fails for a retry: seconds, not the stalls of a busy machine.
    expect(lateness.max).toBeLessThan(sized(1000, 2500));
  }),
  240_000,
);
