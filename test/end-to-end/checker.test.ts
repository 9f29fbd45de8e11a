import { describe, expect, test } from '@jest/globals';
import type { Replica } from '../support/service-process.ts';
import type { StoreFault } from '../support/service-process-broken-store.ts';
import { scenario, until, type Scenario } from './scenario.ts';

const COUNT = 40;

/** A replica whose store has the fault, and timers that it has to claim for. */
async function runBroken(fault: StoreFault, { client, database, start }: Scenario): Promise<Replica> {
  const preload = new URL(`../support/service-process-broken.ts?${encodeURIComponent(fault)}`, import.meta.url).href;
  const replica = await start(`a replica that ${fault}`, await database('sqlite'), { preload });
  await client.create({
    count: COUNT,
    perSecond: 400,
    delayMs: (number) => 1200 + number * 5,
    target: () => replica.url,
  });
  return replica;
}

describe('The ledger of real processes', () => {
  test.concurrent(
    'shows when a service sends early',
    scenario(async (world) => {
      await runBroken('early', world);
      await until('all were sent', () => world.receiver.arrivals.length === COUNT);
      expect(world.figures('Broken: early')).toMatchObject({ early: COUNT, lost: 0, doubled: 0 });
    }),
  );

  test.concurrent(
    'shows when a service sends again what it has sent',
    scenario(async (world) => {
      await runBroken('forgets what it sent', world);
      await until('all were sent twice', () => world.receiver.arrivals.length === 2 * COUNT);
      expect(world.figures('Broken: forgets what it sent')).toMatchObject({ early: 0, lost: 0, doubled: COUNT });
    }),
  );

  test.concurrent(
    'shows when a service loses what it had taken in hand as it was killed',
    scenario(async (world) => {
      world.receiver.answerBy(() => ({ status: 204, afterMs: 200 }));
      const replica = await runBroken('records before it sends', world);
      await until('some are in flight', () => world.receiver.arrivals.length >= 10);
      await replica.kill();
      const sent = world.receiver.arrivals.length;
      await replica.start();
      await until('nobody knows of any more to do', async () => {
        const statuses = await Promise.all(world.client.intents.map(({ id }) => statusOf(replica, id)));
        return statuses.every((status) => status === 'done');
      });

      const { lost } = world.figures('Broken: records before it sends');
      expect(lost).toBeGreaterThanOrEqual(COUNT - sent);
      expect(lost).toBeGreaterThan(0);
    }),
  );
});

async function statusOf(replica: Replica, id: string | null): Promise<string> {
  const response = await fetch(`${replica.url}/timers/${id}`);
  return ((await response.json()) as { status: string }).status;
}
