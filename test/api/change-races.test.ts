import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Decide } from '../../src/api/change-own.ts';
import { extendTimer } from '../../src/api/patch-timer.ts';
import { cancel, moveTo, refuseUnlessWaiting } from '../../src/api/timer-moves.ts';
import { Refusal, type Timer } from '../../src/timers/index.ts';
import { makeTimers } from '../support/timers.ts';
import { EVERYBODY, LOOKAHEAD_MS, startTwoReplicas, type TwoReplicas } from './two-replicas.ts';

const RACES = process.env.TEST_FULL === '1' ? 5000 : 300;
/** Races begun a second. */
const RATE = 250;
const FURTHEST_MOVE_MS = 500;
/** Far from the leases, which are what a timer waits for that nobody has sent; races go on beside it. */
const LATENESS_MS = 1000;

const delayUntil = (instant: number, { replicas }: TwoReplicas) =>
  delay(Math.max(instant - replicas[0].storeClock.now(), 0));

/**
 * Each timer is changed at some instant around its claim, by one of the replicas; rather before it, as on a busy machine
 * changes come late. Resolves with those whose change was accepted, as they stood then, once everything has been sent.
 */
async function race(
  two: TwoReplicas,
  decideFor: (timer: Timer) => Decide,
): Promise<{ timers: Timer[]; accepted: Map<string, Timer> }> {
  const begin = Math.ceil(two.replicas[0].storeClock.now()) + 1000;
  const timers = makeTimers(RACES, (index) => ({ dueAt: begin + Math.floor((index * 1000) / RATE), createdAt: begin }));
  await two.replicas[0].store.insert(timers);
  const accepted = new Map<string, Timer>();
  await Promise.all(
    timers.map(async (timer, index) => {
      await delayUntil(timer.dueAt - LOOKAHEAD_MS * (0.4 + 1.6 * Math.random()), two);
      const replica = two.replicas[index % 2 === 0 ? 0 : 1];
      try {
        accepted.set(timer.id, await replica.changeOwn(timer.id, EVERYBODY, decideFor(timer)));
      } catch (error) {
        if (!(error instanceof Refusal) || !error.code.startsWith('already_')) throw error;
      }
    }),
  );
  await delay(FURTHEST_MOVE_MS + 2 * LOOKAHEAD_MS);
  await two.settled();
  return { timers, accepted };
}

describe.each(['mysql', 'mariadb', 'SQLite'] as const)('On %s, of two replicas,', (engine) => {
  it.concurrent(
    `a cancellation in ${RACES} races with the claim wins wholly or not at all`,
    async () => {
      await using two = await startTwoReplicas(engine);

      const { timers, accepted } = await race(two, () => cancel);

      // A race that always ends alike would be none.
      expect(accepted.size).toBeGreaterThan(RACES / 20);
      expect(accepted.size).toBeLessThan((RACES * 19) / 20);
      const sent = timers.map(({ id }) => two.sends.get(id)?.length ?? 0);
      expect(sent).toEqual(timers.map(({ id }) => (accepted.has(id) ? 0 : 1)));
    },
    120_000,
  );

  it.concurrent(
    `a move in ${RACES} races with the claim is kept to or refused, and each timer is sent once`,
    async () => {
      await using two = await startTwoReplicas(engine);

      const { timers, accepted } = await race(two, () => (timer, now) => {
        refuseUnlessWaiting(timer);
        return moveTo(now + Math.floor(Math.random() * FURTHEST_MOVE_MS), now);
      });

      expect(accepted.size).toBeGreaterThan(RACES / 20);
      expect(accepted.size).toBeLessThan((RACES * 19) / 20);
      const wrong = timers.filter(({ id, dueAt }) => {
        const sends = two.sends.get(id) ?? [];
        const due = accepted.get(id)?.dueAt ?? dueAt;
        return sends.length !== 1 || (sends[0] ?? 0) < due;
      });
      expect(wrong).toEqual([]);
    },
    120_000,
  );

  it.concurrent(
    'a timer that is extended ten times, now here and now there, fires once: at its last due',
    async () => {
      await using two = await startTwoReplicas(engine);
      const [{ store, storeClock }] = two.replicas;
      const begin = Math.ceil(storeClock.now());
      const [timer] = makeTimers(1, () => ({ dueAt: begin + 600, createdAt: begin, delayMs: 600 }));
      if (timer === undefined) throw new Error('One was made.');
      await store.insert([timer]);

      let due = timer.dueAt;
      for (let beat = 0; beat < 10; beat++) {
        await delay(200);
        const replica = two.replicas[beat % 2 === 0 ? 0 : 1];
        ({ dueAt: due } = await replica.changeOwn(timer.id, EVERYBODY, extendTimer({}, { maxDelayMs: 10_000 })));
      }
      await delayUntil(due + 1000, two);
      await two.settled();

      const sends = two.sends.get(timer.id) ?? [];
      expect(sends).toHaveLength(1);
      expect((sends[0] ?? 0) - due).toBeGreaterThanOrEqual(0);
      expect((sends[0] ?? 0) - due).toBeLessThan(LATENESS_MS);
    },
    30_000,
  );
});
