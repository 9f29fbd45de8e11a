import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { callback, ENV, EVERY_MS, IDS, startMixedStatusServer } from './presence-world.ts';
import { scenario, sized, tell, until, type Scenario } from './scenario.ts';

/** Webhooks beside the checks may be this much later than without them: of two hundred, the worst but one tells of the machine. */
const P99_WITHIN_MS = sized(20, 100);

test(
  'Webhooks are as punctual beside checks as without them',
  scenario(async (given) => {
    const statusServer = await startMixedStatusServer();
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
