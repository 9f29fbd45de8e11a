import { expect, test } from '@jest/globals';
import { surplusOf } from '../support/ledger.ts';
import { SHORT_LEASE, SHORT_LEASE_MS } from '../support/service-process.ts';
import { readTimer, scenario, sized, until, untilInstant } from './scenario.ts';

const ANSWER_MS = 300;

test(
  'A replica frozen for longer than its leases sends nothing that others have taken over, and its late outcomes change nothing',
  scenario(async ({ client, receiver, faults, database, start, allDone, figures }) => {
    const [count, inFlightAtMost] = [sized(300, 120), 16];
    const env = { ...(await database('mysql')), ...SHORT_LEASE, MAX_CONCURRENCY: String(inFlightAtMost) };
    const [sleeper, other] = await Promise.all([start('sleeper', env), start('other', env)]);
    receiver.answerBy(() => ({ status: 204, afterMs: ANSWER_MS }));

    // Due so soon that the replica that was asked holds them itself: some it sends, some queue, some wait for their instant.
    await client.create({
      count,
      perSecond: 400,
      delayMs: (number) => 500 + (number % 10) * 50,
      target: () => sleeper.url,
    });
    // Between two waves: what a replica does that is frozen after its last look at a lease, on its way to the system call,
    // is nobody's to prevent.
    await until('it has sent a few, and waits for answers', () => {
      const isSending = receiver.arrivals.some(({ at }) => Date.now() - at < ANSWER_MS / 3);
      return receiver.arrivals.length > inFlightAtMost && receiver.inFlight() > 0 && !isSending;
    });
    const frozenAt = Date.now();
    await sleeper.freeze();
    const sentBefore = new Set(receiver.arrivals.map(({ id }) => id));
    expect(sentBefore.size).toBeLessThan(count);

    await untilInstant(frozenAt + SHORT_LEASE_MS);
    await allDone(other, 45_000);
    const before = await Promise.all(client.intents.map(({ id }) => readTimer(other.url, String(id))));
    const arrivalsBefore = receiver.arrivals.length;
    sleeper.thaw();
    faults.push({ kind: 'SIGSTOP', from: frozenAt, to: Date.now() });

    await until('it has found out what it lost', () => sleeper.count('timer.claim_lost') > 0);
    await until('it goes on with its work', async () => (await fetch(`${sleeper.url}/ready`)).status === 200);
    // A stop lets it finish whatever it still believed to be its own.
    expect(await sleeper.terminate()).toMatchObject({ exitCode: 0 });
    const after = await Promise.all(client.intents.map(({ id }) => readTimer(other.url, String(id))));

    const { doubledInFaults, ...others } = figures(`${count} timers, one of two replicas frozen`);
    expect(others).toMatchObject({ acked: count, received: count, lost: 0, ghost: 0, early: 0, doubled: 0 });
    expect(others.fenceRegressions).toBe(0);
    expect(receiver.arrivals).toHaveLength(arrivalsBefore);
    expect(doubledInFaults).toBeLessThanOrEqual(inFlightAtMost);
    // Each that came twice came from two replicas, under a higher fence.
    for (const group of Map.groupBy(receiver.arrivals, ({ id }) => id).values()) {
      for (const { arrival, forerunner } of surplusOf(group)) expect(arrival.fence).toBeGreaterThan(forerunner.fence);
    }
    expect(after).toEqual(before);
    const held = client.intents.filter(({ id }) => !sentBefore.has(String(id))).length;
    expect(sleeper.count('timer.claim_lost')).toBeGreaterThanOrEqual(held);
  }),
  90_000,
);
