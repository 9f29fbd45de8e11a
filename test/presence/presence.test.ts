import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PresenceStore } from '../../src/presence/index.ts';
import { Refusal } from '../../src/timers/index.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpReceiver, type HttpReceiver } from '../support/receiver.ts';
import { T0 } from '../support/timers.ts';
import { presenceOn, presenceUnderTest } from './presence-under-test.ts';

const TTL = 30_000;
/** The deadline of a look-up, and the time to keep a sighting. */
const LONGEST_CHECK = 10_000;
const GONE = 'http://receiver.example/gone';

let statusApi: HttpReceiver;
let presence: Awaited<ReturnType<typeof presenceUnderTest>>;
let answer: (response: ServerResponse, id: string) => void;

const online = (response: ServerResponse, id: string) => void response.end(JSON.stringify({ id, online: true }));

beforeEach(async () => {
  answer = online;
  statusApi = await startHttpReceiver((response, { url }) => answer(response, url.slice('/objects/'.length)));
  presence = await presenceUnderTest({ url: statusApi.url, gone: { url: GONE, maxAttempts: 8 } });
});
afterEach(async () => {
  await presence.stop();
  await statusApi[Symbol.asyncDispose]();
});

async function claimDue(ms = 0): Promise<void> {
  await presence.scheduler.runOnce();
  presence.clock.advance(ms);
}
/** A pass, some time, and all that they set off. */
async function pass(ms = 0): Promise<void> {
  await claimDue(ms);
  await eventually(() => presence.scheduler.load().held === 0);
}
const asked = () => statusApi.requests.map(({ url }) => url);
const presenceElse = (over: Partial<PresenceStore>) =>
  presenceOn({ store: { ...presence.store, ...over }, clock: presence.clock, url: statusApi.url });
const known = async () => (await presence.objects.list({ after: null, limit: 50 })).objects.map(({ id }) => id);

describe('An object that is to be checked', () => {
  it('is known from the arrival of the answer that it is online until its time to live is over', async () => {
    expect(await presence.objects.check(['4711'])).toBe(1);
    answer = (response, id) => {
      presence.clock.advance(700);
      online(response, id);
    };
    await pass();

    const seen = { id: '4711', lastSeen: T0 + 700, expiresAt: T0 + 700 + TTL };
    expect(await presence.objects.find('4711')).toEqual(seen);
    presence.clock.advance(TTL - 1);
    expect(await presence.objects.list({ after: null, limit: 1 })).toEqual({ objects: [seen], next: null });
    presence.clock.advance(1);
    expect(await presence.objects.find('4711')).toBeUndefined();
    expect(await known()).toEqual([]);
  });

  it('counts once, however often it is named, and is asked about once while its check waits', async () => {
    expect(await presence.objects.check(['1', '2', '1'])).toBe(2);
    expect(await presence.objects.check(['2', '3'])).toBe(2);
    await pass();
    expect(asked().sort()).toEqual(['/objects/1', '/objects/2', '/objects/3']);

    await presence.objects.check(['2']);
    await pass();
    expect(asked()).toHaveLength(4);
  });

  it('is looked up once more where it is named while a look-up is under way, however often', async () => {
    let isOnline = false;
    const answers: (() => void)[] = [];
    answer = (response, id) => {
      const body = JSON.stringify({ id, online: isOnline });
      answers.push(() => response.end(body));
    };
    await presence.objects.check(['1']);
    await claimDue();
    await eventually(() => answers.length === 1);

    isOnline = true;
    for (let times = 0; times < 3; times++) await presence.objects.check(['1']);
    await claimDue();
    expect(answers).toHaveLength(1);
    answers[0]?.();
    await eventually(() => presence.scheduler.load().held === 0);
    await claimDue();
    await eventually(() => answers.length === 2);
    answers[1]?.();
    await eventually(() => presence.scheduler.load().held === 0);
    expect(await known()).toEqual(['1']);

    await pass(LONGEST_CHECK);
    await pass();
    expect(asked()).toHaveLength(2);
  });

  it('is looked up once more also where nobody hears what came of the look-up under way', async () => {
    await presence.objects.check(['1']);
    await presence.store.claim({
      from: 'waiting',
      wakeFrom: 0,
      wakeTo: T0,
      limit: 10,
      claimId: crypto.randomUUID(),
      leaseEndsAt: T0 + 3_600_000,
    });
    await presence.objects.check(['1']);
    await pass(LONGEST_CHECK);
    await pass();

    expect([await known(), asked().length]).toEqual([['1'], 1]);
  });

  it('stays unknown when it is offline, and that is the end of its check', async () => {
    answer = (response, id) => void response.end(JSON.stringify({ id, online: false }));
    await presence.objects.check(['1']);
    await pass();
    presence.clock.advance(20_000);
    await pass();

    expect([await known(), asked().length]).toEqual([[], 1]);
  });

  it('is asked about again where the API fails, until it answers', async () => {
    answer = (response) => void response.writeHead(500).end();
    await presence.objects.check(['1']);
    await pass();
    answer = online;
    expect(await known()).toEqual([]);
    presence.clock.advance(TTL / 6);
    await pass();

    expect([await known(), asked().length]).toEqual([['1'], 2]);
  });

  it('is not asked about any more once it would be forgotten anyway, and can be named again', async () => {
    answer = (response) => void response.end('nonsense');
    await presence.objects.check(['1']);
    for (let passed = 0; passed <= 2 * TTL; passed += 1000) {
      await pass(1000);
    }
    const tries = asked().length;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(15);

    answer = online;
    await presence.objects.check(['1']);
    await pass();
    expect([await known(), asked().length]).toEqual([['1'], tries + 1]);
  });

  it('is asked about again where the sighting could not be stored', async () => {
    const { action } = presenceElse({
      keepSightings: () => Promise.reject(new Refusal('store_unavailable', 'The database is away.')),
    });
    const held = { id: '1', url: '/objects/1' } as Parameters<typeof action.perform>[0];

    expect(await action.perform(held, new AbortController().signal, () => true)).toMatchObject({
      kind: 'retry',
      httpStatus: 200,
      error: { code: 'store_unavailable' },
    });
  });

  it('can be one of ten thousand, of which the caller hears when all are stored', async () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `object-${index}`);
    expect(await presence.objects.check(ids)).toBe(10_000);
    expect(await presence.objects.check([])).toBe(0);
  });

  it('is not accepted where the store does not take all of them', async () => {
    const { objects } = presenceElse({
      queueChecks: (checks) =>
        checks.some(({ url }) => url.endsWith('/700'))
          ? Promise.reject(new Refusal('store_unavailable', 'The database is away.'))
          : Promise.resolve(),
    });
    const ids = Array.from({ length: 1000 }, (_, index) => String(index));
    await expect(objects.check(ids)).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});

describe('The list of objects', () => {
  it('goes on behind the last id, and tells that more follow though a page is short', async () => {
    await presence.store.keepSightings([
      { id: '1', lastSeen: T0 },
      { id: '2', lastSeen: T0 - TTL },
      { id: '3', lastSeen: T0 },
    ]);
    const first = await presence.objects.list({ after: null, limit: 2 });
    expect([first.objects.map(({ id }) => id), first.next]).toEqual([['1'], '2']);
    const second = await presence.objects.list({ after: first.next, limit: 2 });
    expect([second.objects.map(({ id }) => id), second.next]).toEqual([['3'], null]);
  });
});

describe('The routine', () => {
  const saw = (...lastSeen: number[]) =>
    presence.store.keepSightings(lastSeen.map((at, index) => ({ id: String(index), lastSeen: at })));

  it('forgets exactly what has not been seen for its time to live, however many, and says goodbye to each', async () => {
    await saw(...Array.from({ length: 1200 }, (_, index) => T0 + index));
    presence.clock.advance(TTL + 1100);

    expect(await presence.routine.runOnce()).toBe(1101);
    expect(await presence.routine.runOnce()).toBe(0);

    expect((await presence.store.listObjects({ after: null, limit: 500 })).length).toBe(99);
    for (let round = 0; round < 4; round++) await pass();
    expect(presence.webhooks).toHaveLength(1101);
    const [goodbye] = presence.webhooks;
    expect(await presence.store.find(goodbye?.id ?? '')).toMatchObject({
      url: GONE,
      method: 'POST',
      appendId: false,
      maxAttempts: 8,
      label: 'object-gone',
      dueAt: T0 + TTL + 1100,
    });
    const told = presence.webhooks.map(({ body }) => JSON.parse(Buffer.from(body ?? []).toString()) as unknown);
    expect(told).toContainEqual({ id: '7', last_seen: new Date(T0 + 7).toISOString() });
  });

  it('says goodbye to nobody where nobody wants to hear it', async () => {
    const quiet = await presenceUnderTest();
    await quiet.store.keepSightings([{ id: '1', lastSeen: T0 - TTL }]);
    expect(await quiet.routine.runOnce()).toBe(1);
    expect((await quiet.store.pulse({ freshFrom: 0, freshTo: T0, backlogFrom: 0, leasesFrom: 0 })).fresh).toBeNull();
    await quiet.stop();
  });

  it('is left to the replica that is at it, and no longer than a crash of that one can be told', async () => {
    await saw(T0 - TTL);
    const lease = { name: 'presence', holder: crypto.randomUUID(), now: T0, until: T0 + 5000 };
    await presence.store.holdLease(lease);

    expect(await presence.routine.runOnce()).toBe(0);
    presence.clock.advance(5000);
    expect(await presence.routine.runOnce()).toBe(1);
    expect(await presence.store.holdLease({ ...lease, now: T0 + 5000, until: T0 + 9000 })).toBe(true);
  });

  it('comes by every so often, goes on after a failure, and ends when it is stopped', async () => {
    let looks = 0;
    const failing = presenceElse({
      forgetObjects(query) {
        looks += 1;
        if (looks === 1) return Promise.reject(new Refusal('store_unavailable', 'The database is away.'));
        return presence.store.forgetObjects(query);
      },
    });
    await failing.routine.start();
    for (const count of [1, 2, 3]) {
      presence.clock.advance(count === 1 ? 0 : 5000);
      await eventually(() => looks === count);
      await eventually(() => presence.clock.armed > 0);
    }
    await failing.routine.stop();
    expect(presence.clock.armed).toBe(0);
  });
});

describe('The checks of a replica that died', () => {
  it('are claimed by another as soon as it has been silent for three beats, and again expire as they would have', async () => {
    await presence.store.keepChecker({ replica: crypto.randomUUID(), aliveUntil: T0 + 3000 });
    await presence.objects.check(['1']);
    const claimed = await presence.store.claim({
      from: 'waiting',
      wakeFrom: 0,
      wakeTo: T0,
      limit: 10,
      claimId: crypto.randomUUID(),
      leaseEndsAt: T0 + 30_000,
    });
    expect(claimed).toHaveLength(1);

    presence.clock.advance(3000);
    expect(await presence.checker.runOnce()).toBe(0);
    presence.clock.advance(1);
    expect(await presence.checker.runOnce()).toBe(1);
    await pass();
    expect(await known()).toEqual(['1']);
  });

  it('are those of nobody who stops in good order', async () => {
    await presence.checker.start();
    await eventually(() => presence.clock.armed > 0);
    await presence.checker.stop();
    const dropped = await presence.store.reviveChecks({
      action: 'object-check',
      leaseMs: 0,
      deadlineMs: 0,
      now: T0 + 9_000_000,
    });
    expect([dropped, presence.clock.armed]).toEqual([0, 0]);
  });
});
