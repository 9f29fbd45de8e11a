import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  NEW_RUN,
  Refusal,
  type ClaimedTimer,
  type PulseQuery,
  type Timer,
  type TimerStore,
} from '../../src/timers/index.ts';
import { eventually } from '../support/eventually.ts';
import { everyTimer } from '../store/contract-changes.ts';
import { claimOf, makeTimer, makeTimers, resultOf, T0 } from '../support/timers.ts';
import {
  createRig,
  delivered,
  events,
  heldBackAnswer,
  unanswered,
  unavailable,
  type Rig,
} from './scheduler-under-test.ts';

let rig: Rig;
afterEach(() => rig.close());

const storeAway = () => Promise.reject(new Refusal('store_unavailable', 'The database is not available.'));
const toHost = (host: string) => ({ url: `http://${host}/hook` });

describe('A due timer', () => {
  it('is performed at its millisecond and not before, though it was claimed a second ahead', async () => {
    rig = await createRig({ reply: () => delivered });
    const timer = makeTimer({ dueAt: T0 + 900 });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();

    rig.clock.advance(899.9);
    expect(rig.calls).toHaveLength(0);
    rig.clock.advance(0.1);

    expect(rig.calls.map(({ at }) => at)).toEqual([T0 + 900]);
    await eventually(() => rig.scheduler.load().held === 0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 1, latenessMs: 0, httpStatus: 200 });
  });

  it('is told to its action as soon as it is claimed, unless it is late already', async () => {
    rig = await createRig({ reply: () => delivered });
    const [late, ahead] = [makeTimer({ dueAt: T0 - 1 }), makeTimer({ dueAt: T0 + 900 })];
    await rig.store.insert([late, ahead]);

    await rig.scheduler.runOnce();

    expect(rig.scheduler.load().held).toBe(2);
    expect(rig.prepared).toEqual([ahead.id]);
  });

  it('is left to a later pass while it lies beyond the lookahead', async () => {
    rig = await createRig({ reply: () => delivered });
    await rig.store.insert([makeTimer({ dueAt: T0 + 1001 })]);
    await rig.scheduler.runOnce();
    expect(rig.scheduler.load().held).toBe(0);
  });

  it('that fails is tried again after a growing delay, and fails for good when its attempts are used up', async () => {
    rig = await createRig({ reply: () => unavailable });
    const timer = makeTimer({ maxAttempts: 3, retry: { base_ms: 1000, cap_ms: 60_000 } });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => rig.scheduler.load().held === 0);
    // Half of 1,000 ms by the jitter that the rig fixes, then half of 2,000.
    const [first] = rig.calls;
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'waiting', attempts: 1 });

    for (let attempt = 2; attempt <= 3; attempt++) {
      await rig.scheduler.runOnce();
      await rig.pass(1050);
      await eventually(() => rig.scheduler.load().held === 0);
    }

    const [, second, third] = rig.calls.map(({ at }) => at - (first?.at ?? 0));
    expect(second).toBeGreaterThanOrEqual(500);
    expect(third).toBeGreaterThanOrEqual((second ?? 0) + 1000);
    expect(rig.calls).toHaveLength(3);
    expect(await rig.timer(timer.id)).toMatchObject({
      status: 'failed',
      reason: 'attempts_exhausted',
      attempts: 3,
      errorCode: 'http_503',
      latenessMs: 0,
    });
  });

  it('that the receiver rejects for good fails at once with the reason', async () => {
    rig = await createRig({
      reply: () => ({
        kind: 'rejected',
        reason: 'gone',
        error: { code: 'gone', message: 'gone' },
        verdict: 'answered',
        httpStatus: 410,
        answer: null,
      }),
    });
    const timer = makeTimer();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => rig.scheduler.load().held === 0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'failed', reason: 'gone', attempts: 1 });
  });

  it('whose action this replica does not know is handed back, not failed', async () => {
    rig = await createRig({});
    const timer = makeTimer({ action: 'object-check' });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => rig.scheduler.load().held === 0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'waiting', attempts: 0, wakeAt: expect.any(Number) });
  });

  it('that expires is handed back for a twentieth of that time at most, so that it comes again while it is of use', async () => {
    rig = await createRig({});
    const timer = makeTimer({ action: 'object-check', dueAt: T0 - 20_000, expiresAfterMs: 30_000 });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await eventually(() => rig.scheduler.load().held === 0);
    const { status, wakeAt } = await rig.timer(timer.id);
    expect(status).toBe('waiting');
    expect(wakeAt - rig.clock.now()).toBeGreaterThanOrEqual(750);
    expect(wakeAt - rig.clock.now()).toBeLessThanOrEqual(2250);
  });

  it('that is too late to be useful fails as expired without a call', async () => {
    rig = await createRig({ reply: () => delivered });
    const timer = makeTimer({ dueAt: T0 - 5001, expiresAfterMs: 5000 });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => rig.scheduler.load().held === 0);
    expect(rig.calls).toHaveLength(0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'failed', reason: 'expired', attempts: 0 });
  });

  it.each(['at_least_once', 'at_most_once'] as const)(
    'that could not be begun for want of a socket of ours is called a moment later, with no attempt counted (%s)',
    async (delivery) => {
      let has = false;
      const noSocket = { code: 'no_socket', message: 'This replica can open no connection (EMFILE).' };
      rig = await createRig({ reply: () => (has ? delivered : { kind: 'not_begun', error: noSocket }) });
      const timer = makeTimer({ delivery, maxAttempts: 1 });
      await rig.store.insert([timer]);
      await rig.scheduler.runOnce();
      await rig.pass(50);
      await eventually(() => rig.scheduler.load().held === 0);
      expect(await rig.timer(timer.id)).toMatchObject({ status: 'waiting', attempts: 0, sendStartedAt: null });
      expect(events).toContain('timer.not_begun');

      has = true;
      await rig.pass(1500);
      await rig.scheduler.runOnce();
      await rig.pass(1500);
      await eventually(() => rig.scheduler.load().held === 0);
      expect(rig.calls).toHaveLength(2);
      expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 1 });
    },
  );

  it('that took down five replicas in a row fails instead of taking down a sixth', async () => {
    rig = await createRig({ reply: () => delivered });
    const timer = makeTimer({ lost: 5 });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => rig.scheduler.load().held === 0);
    expect(rig.calls).toHaveLength(0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'failed', reason: 'lost_repeatedly' });
  });
});

describe('A claim', () => {
  it('whose answer was lost sends nothing, and its rows are handed back by the next pass', async () => {
    let loseAnswer = true;
    rig = await createRig({
      reply: () => delivered,
      store: (store) => ({
        ...store,
        async claim(query) {
          const claimed = await store.claim(query);
          return loseAnswer ? storeAway() : claimed;
        },
      }),
    });
    const timer = makeTimer({ dueAt: T0 + 100 });
    await rig.store.insert([timer]);

    await expect(rig.scheduler.runOnce()).rejects.toThrow('not available');
    await rig.pass(500);
    expect(rig.calls).toHaveLength(0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'executing' });

    loseAnswer = false;
    await rig.scheduler.runOnce();
    await rig.pass(50);
    expect(rig.calls.map(({ timer: { id, fence } }) => ({ id, fence }))).toEqual([{ id: timer.id, fence: 2 }]);
  });

  it('that has grown too old for an attempt to end within the lease is handed back unsent', async () => {
    rig = await createRig({ reply: () => delivered, deadlineMs: 10_000 });
    const timer = makeTimer({ dueAt: T0 + 500 });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();

    // The process was frozen: its clocks went on, its callbacks come all at once afterwards.
    rig.clock.advance(0);
    const frozen = rig.clock.monotonic.bind(rig.clock);
    rig.clock.monotonic = () => frozen() + 18_001;
    rig.clock.advance(500);

    expect(rig.calls).toHaveLength(0);
    await eventually(() => rig.scheduler.load().held === 0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'waiting', attempts: 0 });
  });

  it('is said to be no longer ours to whoever asks while performing it, once its lease is about to end', async () => {
    rig = await createRig({});
    await rig.store.insert([makeTimer()]);
    await rig.scheduler.runOnce();
    rig.clock.advance(1);
    const isOurs = () => rig.calls.map((call) => call.isOurs());

    rig.clock.advance(27_999);
    expect(isOurs()).toEqual([true]);
    rig.clock.advance(1);
    expect(isOurs()).toEqual([false]);
  });

  it('counts its age by the wall clock where the monotonic one stood still', async () => {
    rig = await createRig({ reply: () => delivered, deadlineMs: 10_000 });
    await rig.store.insert([makeTimer({ dueAt: T0 + 500 })]);
    await rig.scheduler.runOnce();

    rig.clock.stepWall(18_001);
    rig.clock.advance(500);

    expect(rig.calls).toHaveLength(0);
  });

  it('takes over no expired lease in the first five seconds, nor for five seconds after a store error', async () => {
    let away = false;
    rig = await createRig({
      reply: () => delivered,
      store: (store) => ({ ...store, pulse: (query) => (away ? storeAway() : store.pulse(query)) }),
    });
    const timer = makeTimer({ dueAt: T0 - 100 });
    await rig.store.insert([timer]);
    await rig.store.claim(claimOf({ leaseEndsAt: T0 - 1 + 1001, wakeTo: T0 }));
    await rig.pass(4900);
    await rig.scheduler.runOnce();
    expect(rig.scheduler.load().held).toBe(0);

    away = true;
    void rig.scheduler.start();
    await eventually(() => events.includes('pass.failed'));
    const failedAt = rig.clock.now();
    away = false;

    await eventually(async () => {
      await rig.pass(50);
      return rig.calls.length === 1;
    });
    expect(rig.calls[0]?.at).toBeGreaterThanOrEqual(failedAt + 5000);
    expect(rig.calls[0]?.timer).toMatchObject({ id: timer.id, fence: 2, lost: 1 });
  });

  it('of another replica is looked at when its lease ends and every five seconds, and taken over by the next pass', async () => {
    const looks: number[] = [];
    rig = await createRig({
      store: (inner) => ({
        ...inner,
        pulse(query) {
          if (query.leasesFrom !== null) looks.push(rig.clock.now() - T0);
          return inner.pulse(query);
        },
      }),
    });
    await rig.store.insert([makeTimer({ dueAt: T0 })]);
    await rig.store.claim(claimOf({ leaseEndsAt: T0 + 8000, wakeTo: T0 }));
    while (rig.clock.now() < T0 + 15_000) {
      await rig.scheduler.runOnce();
      await rig.pass(500);
    }
    expect(looks).toEqual([0, 5000, 8000, 8500, 9000, 14_000]);
    expect(rig.calls.map(({ at }) => at - T0)).toEqual([8500]);
  });

  it('is preceded by a look from the very beginning once the clock of the store was set back', async () => {
    let setBackMs = 0;
    const looks: PulseQuery[] = [];
    rig = await createRig({
      store: (inner) => ({
        ...inner,
        async pulse(query) {
          looks.push(query);
          const pulse = await inner.pulse(query);
          return { ...pulse, storeNow: pulse.storeNow - setBackMs };
        },
      }),
    });
    await rig.scheduler.runOnce();
    await rig.store.insert([makeTimer({ dueAt: T0 + 500 })]);
    setBackMs = 3_600_000;
    await rig.scheduler.runOnce();
    await rig.scheduler.runOnce();
    expect(looks.at(-1)).toMatchObject({ backlogFrom: 0, leasesFrom: 0 });
    // Now due in an hour: claimed all that time, it would be lost again and again until it passed for poison.
    expect(rig.scheduler.load().held).toBe(0);
  });

  it('that returns a row we hold ourselves adopts it, as often as that happens, and sends it once', async () => {
    rig = await createRig({ settings: { leaseMs: 30_000 } });
    const timer = makeTimer();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    expect(rig.calls).toHaveLength(1);

    for (let time = 1; time <= 2; time++) {
      await rig.pass(31_000);
      await rig.scheduler.runOnce();
      await rig.pass(1000);
      expect(events.filter((event) => event === 'timer.adopted')).toHaveLength(time);
    }
    rig.calls[0]?.answer(delivered);
    await eventually(() => rig.scheduler.load().held === 0);

    expect(rig.calls).toHaveLength(1);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 1, fence: 3 });
  });

  it('that returns a row whose result is on its way under the old claim performs it anew at once', async () => {
    let sendOff: (() => void) | undefined;
    rig = await createRig({
      settings: { leaseMs: 30_000 },
      store: (store) => ({
        ...store,
        async record(results) {
          if (sendOff === undefined) await new Promise<void>((resolve) => (sendOff = resolve));
          return store.record(results);
        },
      }),
    });
    const timer = makeTimer();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    rig.calls[0]?.answer(delivered);
    await eventually(() => sendOff !== undefined);

    await rig.pass(31_000);
    await rig.scheduler.runOnce();
    expect((await rig.timer(timer.id)).fence).toBe(2);
    sendOff?.();
    await eventually(() => rig.pass(50).then(() => rig.calls.length === 2));
    rig.calls[1]?.answer(delivered);

    await eventually(() => rig.scheduler.load().held === 0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 1, fence: 2 });
  });

  it('that returns a row whose last result is just being written performs it anew when that is written', async () => {
    const record = heldBackAnswer();
    rig = await createRig({
      reply: ({ attempts }) => (attempts === 0 ? unavailable : delivered),
      store: record.store,
    });
    const timer = makeTimer({ retry: { base_ms: 1000, cap_ms: 1000 } });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(async () => (await rig.timer(timer.id)).status === 'waiting');

    await rig.scheduler.runOnce();
    await rig.pass(1000);
    expect(rig.calls).toHaveLength(1);
    record.answer();
    await eventually(() => rig.pass(50).then(() => rig.calls.length === 2));

    await eventually(() => rig.scheduler.load().held === 0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 2 });
  });

  it('that returns a row whose result was written without an answer counts one call once', async () => {
    let answersLost = 0;
    rig = await createRig({
      reply: ({ attempts }) => (attempts === 0 ? unavailable : delivered),
      store: (store) => ({
        ...store,
        async record(results) {
          const lost = await store.record(results);
          if (answersLost > 0) return lost;
          answersLost += 1;
          return storeAway();
        },
      }),
    });
    const timer = makeTimer({ retry: { base_ms: 1000, cap_ms: 1000 } });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => answersLost === 1);

    await rig.scheduler.runOnce();
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'executing', attempts: 1, fence: 2 });

    await eventually(() => rig.pass(50).then(() => rig.scheduler.load().held === 0));
    expect(rig.calls).toHaveLength(2);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 2 });
  });

  it('that returns a row for the third time while its first result still waits for the store performs it once more', async () => {
    let isAway = false;
    let loseAnswer: (() => void) | undefined;
    rig = await createRig({
      settings: { leaseMs: 30_000 },
      reply: ({ attempts }) => (attempts === 0 ? unavailable : delivered),
      store: (store) => ({
        ...store,
        async record(results) {
          if (isAway) return storeAway();
          const lost = await store.record(results);
          if (loseAnswer !== undefined) return lost;
          isAway = true;
          return new Promise((_, reject) => (loseAnswer = () => reject(new Refusal('store_unavailable', 'Gone.'))));
        },
      }),
    });
    const timer = makeTimer({ retry: { base_ms: 1000, cap_ms: 1000 } });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(async () => (await rig.timer(timer.id)).status === 'waiting');
    await rig.scheduler.runOnce();
    expect((await rig.timer(timer.id)).fence).toBe(2);
    loseAnswer?.();

    await rig.pass(31_000);
    const now = rig.clock.now();
    const theirs = claimOf({ from: 'executing', wakeFrom: T0, wakeTo: now, leaseEndsAt: now + 30_000 });
    await rig.store.claim(theirs);
    await rig.store.releaseClaim({ ...theirs, now });
    await rig.scheduler.runOnce();
    expect((await rig.timer(timer.id)).fence).toBe(4);
    isAway = false;

    await eventually(() => rig.pass(50).then(() => rig.scheduler.load().held === 0));
    expect(rig.calls).toHaveLength(2);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 2, fence: 4 });
  });

  it('that returns a row which others held since and did not finish performs it anew, after our own try', async () => {
    rig = await createRig({ settings: { leaseMs: 30_000 } });
    const timer = makeTimer();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(31_000);
    const now = rig.clock.now();
    await rig.store.claim(claimOf({ from: 'executing', wakeFrom: T0, wakeTo: now, leaseEndsAt: now + 1000 }));

    await rig.pass(2000);
    await rig.scheduler.runOnce();
    expect((await rig.timer(timer.id)).fence).toBe(3);
    rig.calls[0]?.answer(delivered);
    await eventually(() => rig.pass(50).then(() => rig.calls.length === 2));
    rig.calls[1]?.answer(delivered);

    await eventually(() => rig.scheduler.load().held === 0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 1, fence: 3 });
  });

  it('that returns a row which others finished and a client replayed performs that run too, after our own try', async () => {
    rig = await createRig({ settings: { leaseMs: 30_000 } });
    const timer = makeTimer();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(31_000);
    const now = rig.clock.now();
    const theirs = claimOf({ from: 'executing', wakeFrom: T0, wakeTo: now, leaseEndsAt: now + 30_000 });
    await rig.store.claim(theirs);
    await rig.store.record([resultOf({ id: timer.id, claimId: theirs.claimId })]);
    await rig.store.replayAll([timer.id], everyTimer, { dueAt: now });

    await rig.scheduler.runOnce();
    await rig.pass(1000);
    expect(rig.calls).toHaveLength(1);
    rig.calls[0]?.answer(unanswered);
    await eventually(() => rig.pass(50).then(() => rig.calls.length === 2));
    rig.calls[1]?.answer(delivered);

    await eventually(() => rig.scheduler.load().held === 0);
    expect(rig.calls[1]?.timer.run).toBe(1);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', run: 1, attempts: 1 });
  });
});

describe('An at-most-once timer', () => {
  const once = (over: object = {}) => makeTimer({ delivery: 'at_most_once', ...over });

  async function fire(timer: ReturnType<typeof makeTimer>) {
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => rig.scheduler.load().held === 0);
    return rig.timer(timer.id);
  }

  it('is marked in the store before its action is performed', async () => {
    let markedBefore = false;
    rig = await createRig({
      reply: () => delivered,
      store: (store) => ({
        ...store,
        async markSends(held, startedAt) {
          const lost = await store.markSends(held, startedAt);
          markedBefore = rig.calls.length === 0;
          return lost;
        },
      }),
    });
    expect(await fire(once())).toMatchObject({ status: 'done', sendStartedAt: expect.any(Number) });
    expect(markedBefore).toBe(true);
  });

  it('is not sent when the mark got no answer, and waits again', async () => {
    rig = await createRig({ reply: () => delivered, store: (store) => ({ ...store, markSends: storeAway }) });
    expect(await fire(once())).toMatchObject({ status: 'waiting', attempts: 0, sendStartedAt: null });
    expect(rig.calls).toHaveLength(0);
  });

  it.each([
    ['another status fails it', unavailable, 'failed'],
    ['a refused connection fails it', { ...unanswered, maybeSent: false }, 'failed'],
    ['no answer after connecting leaves it unknown', unanswered, 'unknown'],
  ] as const)('is never tried again: %s', async (_, outcome, status) => {
    rig = await createRig({ reply: () => outcome });
    expect(await fire(once())).toMatchObject({ status, attempts: 1 });
  });

  it('whose replica died after the mark ends as unknown; one that died before it is sent by another', async () => {
    rig = await createRig({ reply: () => delivered });
    const [marked, unmarked] = [once(), once()];
    await rig.store.insert([marked, unmarked]);
    const held = await rig.store.claim(claimOf({ leaseEndsAt: T0 + 10 }));
    await rig.store.markSends(
      held.filter(({ id }) => id === marked.id),
      T0,
    );
    await rig.pass(5000);

    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => rig.scheduler.load().held === 0);

    expect(rig.calls.map(({ timer }) => timer.id)).toEqual([unmarked.id]);
    expect(await rig.timer(marked.id)).toMatchObject({ status: 'unknown', attempts: 0 });
    expect(await rig.timer(unmarked.id)).toMatchObject({ status: 'done', lost: 0 });
  });
});

describe('Outcomes', () => {
  it('are kept while the store is away and recorded once when it is back', async () => {
    let away = true;
    rig = await createRig({
      reply: () => delivered,
      store: (store): TimerStore => ({ ...store, record: (results) => (away ? storeAway() : store.record(results)) }),
    });
    const timer = makeTimer();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(1000);
    expect(rig.scheduler.load().held).toBe(1);

    away = false;
    await rig.pass(4000);
    await eventually(() => rig.scheduler.load().held === 0);

    expect(rig.calls).toHaveLength(1);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 1 });
  });

  it('of a claim that was lost meanwhile are dropped and told in the log', async () => {
    rig = await createRig({});
    const timer = makeTimer();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await rig.store.claim(claimOf({ from: 'executing', wakeTo: T0 + 40_000, leaseEndsAt: T0 + 90_000 }));

    rig.calls[0]?.answer(delivered);
    await eventually(() => rig.scheduler.load().held === 0);

    expect(events).toContain('timer.claim_lost');
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'executing', attempts: 0 });
  });
});

describe('A crowd due in one instant', () => {
  it('does not make late what falls due after it', async () => {
    rig = await createRig({ reply: () => delivered, settings: { batchSize: 100 } });
    await rig.store.insert(makeTimers(1000, () => ({ dueAt: T0 - 500, ...toHost('crowd.example') })));
    const other = makeTimer({ dueAt: T0 + 700, ...toHost('other.example') });
    await rig.store.insert([other]);

    await rig.scheduler.runOnce();
    await rig.pass(700);

    expect(rig.calls.find(({ timer }) => timer.id === other.id)?.at).toBe(T0 + 700);
    expect(rig.calls).toHaveLength(101);
  });

  it('takes its places and no more, and leaves the store alone until some are free', async () => {
    let looks = 0;
    const store = (inner: TimerStore): TimerStore => ({
      ...inner,
      pulse(query) {
        looks += 1;
        return inner.pulse(query);
      },
    });
    rig = await createRig({ reply: () => delivered, settings: { batchSize: 500 }, store });
    await rig.store.insert(makeTimers(11_000, () => ({ dueAt: T0 + 900 })));
    void rig.scheduler.start();
    await eventually(() => rig.scheduler.load().held === 10_000);
    const before = looks;

    // By the clock turned by hand no time passes until the next poll, whatever the machine takes for this.
    for (let turn = 0; turn < 1000; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(looks).toBe(before);

    await eventually(async () => {
      await rig.pass(50);
      return rig.calls.length === 11_000;
    });
  });

  it('claimed while nothing else was to do leaves as many places as ever to those due while it is sent', async () => {
    rig = await createRig({ settings: { batchSize: 500 } });
    await rig.store.insert(makeTimers(5000, () => ({ dueAt: T0 + 500, ...toHost('crowd.example') })));
    while (await rig.scheduler.runOnce());
    expect(rig.scheduler.load().held).toBe(5000);
    await rig.pass(500);
    expect(rig.calls.length).toBeGreaterThan(0);

    await rig.store.insert(makeTimers(4000, () => ({ dueAt: T0 + 1200, ...toHost('other.example') })));
    while (await rig.scheduler.runOnce());
    expect(rig.scheduler.load().held).toBe(9000);
  });

  it('keeps none of the late out', async () => {
    rig = await createRig({ settings: { batchSize: 500 } });
    await rig.store.insert(makeTimers(10_500, () => ({ dueAt: T0 + 900 })));
    void rig.scheduler.start();
    await eventually(() => rig.scheduler.load().held === 10_000);
    const missed = makeTimer({ dueAt: T0 - 1, ...toHost('other.example') });
    await rig.store.insert([missed]);

    await rig.pass(600);
    await eventually(async () => {
      await rig.pass(1);
      return rig.calls.some(({ timer }) => timer.id === missed.id);
    });
    expect(rig.clock.now()).toBeLessThan(T0 + 900);
  });
});

describe('A backlog', () => {
  it('leaves room for fresh timers and is given its share beside them', async () => {
    rig = await createRig({ reply: () => delivered, settings: { batchSize: 100 } });
    await rig.store.insert(makeTimers(400, (index) => ({ dueAt: T0 - 100_000 + index })));
    await rig.store.insert(makeTimers(400, (index) => ({ dueAt: T0 + 500 + index })));

    await rig.scheduler.runOnce();

    expect(rig.scheduler.load().held).toBe(300);
    await rig.pass(50);
    expect(rig.calls).toHaveLength(100);
  });

  it('is claimed by passes that follow one another, of which few look at what is to come', async () => {
    rig = await createRig({ settings: { batchSize: 10 } });
    await rig.store.insert(makeTimers(100, () => ({ dueAt: T0 - 100_000 })));
    expect(await rig.scheduler.runOnce()).toBe(true);
    const toCome = makeTimer({ dueAt: T0 + 900 });
    await rig.store.insert([toCome]);

    await rig.scheduler.runOnce();
    expect((await rig.timer(toCome.id)).status).toBe('waiting');
    rig.clock.advance(250);
    await rig.scheduler.runOnce();
    expect((await rig.timer(toCome.id)).status).toBe('executing');
  });

  it('is drained oldest first', async () => {
    rig = await createRig({ reply: () => delivered, settings: { batchSize: 10 } });
    const timers = makeTimers(30, (index) => ({ dueAt: T0 - 100_000 - index * 1000 }));
    await rig.store.insert(timers);

    await rig.scheduler.runOnce();
    await rig.pass(50);

    const oldest = timers.slice(-10).map(({ id }) => id);
    expect(rig.calls.map(({ timer }) => timer.id).sort()).toEqual(oldest.sort());
  });

  it('to a host lets those go first that are due to it only now, but for one in five', async () => {
    rig = await createRig({ settings: { maxConcurrency: 4 } });
    const old = makeTimers(100, () => ({ dueAt: T0 - 100_000 }));
    const current = makeTimers(12, () => ({ dueAt: T0 + 10 }));
    await rig.store.insert([...old, ...current]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    expect(rig.calls).toHaveLength(1);

    for (let count = 0; count < 16; count++) {
      await eventually(() => rig.calls.length > count);
      rig.calls[count]?.answer(delivered);
    }

    const isOld = new Set(old.map(({ id }) => id));
    await eventually(() => rig.calls.length > 16);
    const places = rig.calls.slice(1, 17).map(({ timer }) => (isOld.has(timer.id) ? 'old' : 'new'));
    expect(places.filter((kind) => kind === 'new')).toHaveLength(12);
    expect(places.indexOf('old')).toBeGreaterThan(2);
  });

  it('stops being claimed when there is no room, and is claimed again as soon as there is', async () => {
    rig = await createRig({ settings: { batchSize: 500, maxConcurrency: 20_000 } });
    for (let hosts = 0; hosts < 50; hosts++) {
      await rig.store.insert(makeTimers(120, () => ({ dueAt: T0 - 10_000, ...toHost(`host${hosts}.example`) })));
    }
    void rig.scheduler.start();
    await eventually(async () => {
      await rig.pass(1);
      return rig.scheduler.load().held > 4400;
    });
    expect(rig.scheduler.load().held).toBeLessThanOrEqual(5000);

    const before = rig.calls.length;
    for (const call of rig.calls) call.answer(delivered);

    await eventually(async () => {
      await rig.pass(1);
      return rig.calls.length > before;
    });
  });
});

describe('Lanes', () => {
  /** Lets the host be seen to work. */
  async function warm(...hosts: string[]) {
    await rig.store.insert(hosts.map((host) => makeTimer({ ...toHost(host), dueAt: T0 - 1 })));
    await rig.scheduler.runOnce();
    await rig.pass(1);
    await eventually(() => rig.scheduler.load().held === 0);
    rig.calls.length = 0;
    answering = false;
  }
  let answering: boolean;
  const whileAnswering = () => (answering ? delivered : undefined);
  const inFlightTo = (host: string) => rig.calls.filter(({ timer }) => timer.url.includes(host)).length;

  beforeEach(() => {
    answering = true;
  });

  it('give every host its turn though one has hundreds due', async () => {
    rig = await createRig({ settings: { maxConcurrency: 20 }, reply: whileAnswering });
    await warm('busy.example', 'quiet.example');
    await rig.store.insert(makeTimers(400, () => toHost('busy.example')));
    await rig.scheduler.runOnce();
    await rig.store.insert(makeTimers(5, () => ({ ...toHost('quiet.example'), dueAt: T0 + 1 })));
    await rig.scheduler.runOnce();
    await rig.pass(50);

    for (const call of rig.calls.slice(0, 10)) call.answer(delivered);

    await eventually(() => inFlightTo('quiet') === 5);
  });

  it('of a host that nothing is known of begin with a few calls, and open up as it answers', async () => {
    rig = await createRig({});
    await rig.store.insert(makeTimers(300, () => toHost('unknown.example')));
    await rig.scheduler.runOnce();
    await rig.pass(50);
    expect(rig.calls).toHaveLength(32);

    for (const call of rig.calls.slice(0, 32)) call.answer(delivered);
    await eventually(() => rig.calls.length === 32 + 64);
    for (const call of rig.calls.slice(32, 96)) call.answer(delivered);
    await eventually(() => rig.calls.length === 96 + 128);
  });

  it('of hosts that nothing is known of share a quarter of the slots', async () => {
    rig = await createRig({ reply: (timer) => (timer.url.includes('known') ? delivered : undefined) });
    await rig.store.insert(makeTimers(400, (index) => toHost(`dead${index}.example`)));
    await rig.scheduler.runOnce();
    await rig.pass(50);
    expect(rig.calls).toHaveLength(128);
  });

  it('of a host that does not answer are cut by half round by round, down to a probe now and then', async () => {
    rig = await createRig({});
    await rig.store.insert(makeTimers(90, () => toHost('dead.example')));
    await rig.scheduler.runOnce();
    const rounds: number[] = [];
    for (let round = 0; round < 7; round++) {
      await rig.pass(1000);
      const open = rig.calls.splice(0);
      rounds.push(open.length);
      for (const call of open) call.answer(unanswered);
    }
    expect(rounds).toEqual([32, 16, 8, 4, 2, 1, 1]);
  });

  it('close within a second of probing when the host is back', async () => {
    let back = false;
    rig = await createRig({ reply: () => (back ? delivered : unanswered) });
    await rig.store.insert(makeTimers(90, () => ({ ...toHost('flaky.example'), retry: { delays_ms: [100_000] } })));
    await rig.scheduler.runOnce();
    await rig.pass(3000);
    const tried = rig.calls.length;
    expect(tried).toBeLessThan(75);

    back = true;
    await rig.pass(1050);

    await eventually(() => rig.calls.length === 90);
  });

  it('give back what a slow host has no room for until it has, however long it has been due', async () => {
    const ANSWER_MS = 2000;
    rig = await createRig({});
    await rig.store.insert([makeTimer({ ...toHost('slow.example'), dueAt: T0 - 1 })]);
    await rig.scheduler.runOnce();
    await rig.pass(ANSWER_MS);
    rig.calls[0]?.answer(delivered);
    await eventually(() => rig.scheduler.load().held === 0);
    await rig.store.insert(makeTimers(400, () => ({ ...toHost('slow.example'), dueAt: T0 - 86_400_000 })));
    // By then the backlog is looked at from its very beginning again.
    rig.clock.advance(60_000);
    await rig.scheduler.runOnce();
    expect(rig.scheduler.load().held).toBe(400);
    await rig.pass(50);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => rig.scheduler.load().held < 200);

    const now = rig.clock.now();
    const toCome = { freshFrom: now + 5000, freshTo: now + 86_400_000, backlogFrom: 0, leasesFrom: 0 };
    // As long as ten of its answers take.
    expect((await rig.store.pulse(toCome)).fresh).toBeLessThanOrEqual(now + 10 * ANSWER_MS);
  });

  it('begin no more calls per second than they may', async () => {
    rig = await createRig({ settings: { maxRatePerLane: 10 }, reply: () => delivered });
    await rig.store.insert(makeTimers(100, () => toHost('limited.example')));
    await rig.scheduler.runOnce();
    await rig.pass(2000);
    expect(rig.calls.length).toBeGreaterThanOrEqual(18);
    expect(rig.calls.length).toBeLessThanOrEqual(21);
  });

  it('hand back the surplus of a host that does not answer, for longer and longer', async () => {
    rig = await createRig({ reply: () => unanswered });
    await rig.store.insert(makeTimers(400, () => ({ ...toHost('dead.example'), retry: { delays_ms: [500_000] } })));
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(() => rig.scheduler.load().held <= 100);

    const waits = (await rig.store.pulse({ freshFrom: T0 + 3000, freshTo: T0 + 5000, backlogFrom: 0, leasesFrom: 0 }))
      .fresh;
    expect(waits).toBeGreaterThanOrEqual(T0 + 4000);
  });

  const DAY_MS = 86_400_000;
  const states = async (timers: Timer[]) =>
    new Set((await Promise.all(timers.map(({ id }) => rig.timer(id)))).map(({ status, reason }) => reason ?? status));

  it('give up what is too late once its host has not answered for an hour, and not before', async () => {
    // The store is real: its answers must not come late by a clock that runs through hours.
    const settings = { giveUpAfterMs: 3 * DAY_MS, leaseMs: 3 * 3_600_000 };
    rig = await createRig({ reply: () => unanswered, settings });
    const retry = { delays_ms: [500_000] };
    const old = makeTimers(1500, () => ({ ...toHost('dead.example'), dueAt: T0 - 4 * DAY_MS, retry }));
    const young = makeTimers(100, () => ({ ...toHost('dead.example'), retry }));
    await rig.store.insert([...old, ...young]);
    const passUntil = async (at: number) => {
      while (rig.clock.now() < at) {
        await rig.scheduler.runOnce();
        await rig.pass(5000);
      }
    };

    await passUntil(T0 + 3_500_000);
    expect(await states([...old, ...young])).not.toContain('undeliverable');
    await passUntil(T0 + 4_500_000);
    expect(await states(old)).toContain('undeliverable');
    expect(await states(young)).not.toContain('undeliverable');
  });

  it('keep what a host that answers has no room for, however late it is', async () => {
    rig = await createRig({ settings: { giveUpAfterMs: 3 * DAY_MS } });
    const timers = makeTimers(900, () => ({ ...toHost('slow.example'), dueAt: T0 - 4 * DAY_MS }));
    await rig.store.insert(timers);
    for (let pass = 0; pass < 10; pass++) {
      await rig.scheduler.runOnce();
      await rig.pass(200);
      rig.calls.at(-1)?.answer(delivered);
    }

    expect(rig.scheduler.load().held).toBeLessThan(900);
    expect(await states(timers)).toEqual(new Set(['waiting', 'executing', 'done']));
  });
});

describe('A short timer', () => {
  const claimedBy = (reservation: { claimId: string; leaseEndsAt: number }, over: object = {}) =>
    makeTimer({
      status: 'executing',
      claimId: reservation.claimId,
      wakeAt: reservation.leaseEndsAt,
      fence: 1,
      ...over,
    }) as ClaimedTimer & ReturnType<typeof makeTimer>;

  it('that is written already claimed is performed at its millisecond without a pass', async () => {
    rig = await createRig({ reply: () => delivered });
    await rig.scheduler.runOnce();
    const place = rig.scheduler.reserve(T0 + 300, 0);
    if (place === undefined) throw new Error('there was no place');
    const timer = claimedBy(place, { dueAt: T0 + 300 });
    await rig.store.insert([timer]);
    place.commit(timer);

    rig.clock.advance(300);

    expect(rig.calls.map(({ at }) => at)).toEqual([T0 + 300]);
    await eventually(() => rig.scheduler.load().held === 0);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done' });
  });

  it('that is replayed while the answer to its last result is still on its way is held until its own end', async () => {
    const record = heldBackAnswer();
    rig = await createRig({
      reply: () => delivered,
      store: record.store,
    });
    const timer = makeTimer();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(record.isWritten);

    const dueAt = T0 + 800;
    const place = rig.scheduler.reserve(dueAt, 0);
    if (place === undefined) throw new Error('there was no place');
    const { claimId, leaseEndsAt } = place;
    const claim = { status: 'executing', claimId, wakeAt: leaseEndsAt, fence: 2 } as const;
    const begun = { ...NEW_RUN, ...claim, run: 1, dueAt, nextAttemptAt: dueAt };
    place.commit((await rig.store.change(await rig.timer(timer.id), begun)) as ClaimedTimer);
    record.answer();
    await rig.pass(100);
    expect(rig.scheduler.load().held).toBe(1);

    await rig.pass(800);
    await eventually(() => rig.scheduler.load().held === 0);
    expect(rig.calls.map(({ at, timer: { run } }) => [at, run])).toEqual([
      [T0, 0],
      [dueAt, 1],
    ]);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', run: 1 });
  });

  it('gets no place when it is due after the lookahead, before the first pass, or while the service stops', async () => {
    rig = await createRig({});
    expect(rig.scheduler.reserve(T0 + 300, 0)).toBeUndefined();
    await rig.scheduler.runOnce();
    expect(rig.scheduler.reserve(T0 + 1001, 0)).toBeUndefined();
    expect(rig.scheduler.reserve(T0 + 1000, 0)).toBeDefined();
    void rig.scheduler.stop();
    expect(rig.scheduler.reserve(T0 + 300, 0)).toBeUndefined();
  });

  it('whose insert got no answer is handed back and fires by the next pass if it was stored', async () => {
    rig = await createRig({ reply: () => delivered });
    await rig.scheduler.runOnce();
    const place = rig.scheduler.reserve(T0 + 300, 0);
    if (place === undefined) throw new Error('there was no place');
    await rig.store.insert([claimedBy(place, { dueAt: T0 + 300 })]);
    place.abandon();

    await rig.scheduler.runOnce();
    rig.clock.advance(300);

    expect(rig.calls.map(({ timer }) => timer.fence)).toEqual([2]);
  });
});

describe('A stop', () => {
  it('lets what is in flight end, hands back the rest and records everything', async () => {
    rig = await createRig({ settings: { lookaheadMs: 1000 } });
    const [now, later] = [makeTimer({ dueAt: T0 }), makeTimer({ dueAt: T0 + 950 })];
    await rig.store.insert([now, later, ...makeTimers(200, () => ({ ...toHost('slow.example'), dueAt: T0 }))]);
    await rig.scheduler.runOnce();
    await rig.pass(10);
    const stopped = rig.scheduler.stop();

    await rig.pass(1100);
    for (const call of rig.calls) call.answer(delivered);
    // The store is real: it records while this clock stands still.
    await eventually(() => rig.scheduler.load().held === 0);
    let done = false;
    void stopped.then(() => (done = true));
    await eventually(async () => {
      await rig.pass(50);
      return done;
    });

    expect(await rig.timer(now.id)).toMatchObject({ status: 'done' });
    expect(await rig.timer(later.id)).toMatchObject({ status: 'done' });
    const waiting = await rig.store.pulse({
      freshFrom: 0,
      freshTo: T0 + 60_000,
      backlogFrom: 0,
      leasesFrom: 0,
    });
    expect(waiting.fresh).not.toBeNull();
  });

  it('hands back a row claimed anew once the result it waits for is written', async () => {
    const record = heldBackAnswer();
    rig = await createRig({
      reply: () => unavailable,
      store: record.store,
    });
    const timer = makeTimer({ retry: { base_ms: 1000, cap_ms: 1000 } });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.pass(50);
    await eventually(async () => (await rig.timer(timer.id)).status === 'waiting');
    await rig.scheduler.runOnce();
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'executing', fence: 2 });

    let done = false;
    void rig.scheduler.stop().then(() => (done = true));
    await rig.pass(100);
    record.answer();
    await eventually(() => rig.pass(50).then(() => done));

    expect(await rig.timer(timer.id)).toMatchObject({ status: 'waiting', attempts: 1, fence: 2 });
    expect(rig.calls).toHaveLength(1);
  });
});
