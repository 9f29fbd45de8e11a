import { afterEach, describe, expect, it } from '@jest/globals';
import { createDestinations } from '../../src/scheduler/destinations.ts';
import { createLane, settle, type Lane } from '../../src/scheduler/lane.ts';
import { createLogger } from '../../src/platform/index.ts';
import { Refusal, sumDestinations, type DestinationReport, type TimerStore } from '../../src/timers/index.ts';
import { openEmptySqlite } from '../support/emptied-sqlite.ts';
import { eventually } from '../support/eventually.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { makeTimer, T0 } from '../support/timers.ts';
import { createRig, delivered, events, unavailable, type Rig } from './scheduler-under-test.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

/** What was told when, in place of a store; a take-back is a report of nothing. */
function listener(clock: () => ManualClock | undefined) {
  const told: { at: number; reports: DestinationReport[] | 'forget' }[] = [];
  const note = (reports: DestinationReport[] | 'forget') => {
    told.push({ at: (clock()?.now() ?? T0) - T0, reports });
    return Promise.resolve();
  };
  const verbs: Pick<TimerStore, 'publishDestinations' | 'forgetDestinations'> = {
    publishDestinations: ({ reports }) => note(reports),
    forgetDestinations: () => note('forget'),
  };
  return { told, verbs };
}

describe('A scheduler', () => {
  it('tells every two seconds of the hosts that it calls, and takes it back a minute after the last call', async () => {
    const { told, verbs } = listener(() => rig?.clock);
    rig = await createRig({ reply: () => delivered, store: (store) => ({ ...store, ...verbs }) });
    await rig.store.insert([makeTimer({ dueAt: T0 + 500, url: 'http://one.example:8080/hook' })]);
    await rig.scheduler.runOnce();
    await rig.scheduler.start();

    await rig.pass(70_000);

    const published = told.filter(({ reports }) => reports !== 'forget');
    expect(published.map(({ at }) => at)).toEqual(Array.from({ length: 30 }, (_, index) => (index + 1) * 2000));
    expect(published[0]?.reports).toEqual([
      {
        host: 'one.example:8080',
        inFlight: 0,
        queued: 0,
        limit: 33,
        state: 'open',
        attempts: 1,
        delivered: 1,
        lateness: [[0, 1]],
        lastError: null,
      },
    ]);
    expect([told[0], told.at(-1)]).toEqual([
      { at: 2000, reports: 'forget' },
      { at: 62_000, reports: 'forget' },
    ]);
    expect(told).toHaveLength(32);
  });

  it('tells what is in flight, what failed and why', async () => {
    const { told, verbs } = listener(() => rig?.clock);
    rig = await createRig({
      reply: ({ url }) => (url.includes('silent') ? undefined : unavailable),
      store: (store) => ({ ...store, ...verbs }),
    });
    await rig.store.insert([
      makeTimer({ dueAt: T0 + 500, url: 'http://silent.example/' }),
      makeTimer({ dueAt: T0 + 900, url: 'http://busy.example/' }),
    ]);
    await rig.scheduler.runOnce();
    await rig.scheduler.start();

    await rig.pass(2000);

    expect(told.at(-1)?.reports).toMatchObject([
      { host: 'silent.example', inFlight: 1, attempts: 0, lastError: null },
      {
        host: 'busy.example',
        inFlight: 0,
        attempts: 1,
        delivered: 0,
        state: 'slow',
        lateness: [[0, 1]],
        lastError: { code: 'http_503', message: 'The receiver answered 503.', at: T0 + 900 },
      },
    ]);
  });

  it('that calls nobody tells nothing, not even when it stops', async () => {
    const { told, verbs } = listener(() => rig?.clock);
    rig = await createRig({ store: (store) => ({ ...store, ...verbs }) });
    await rig.scheduler.start();

    await rig.pass(10_000);
    await rig.scheduler.stop();

    expect(told).toEqual([]);
  });

  it('takes back what it told when it stops', async () => {
    const { told, verbs } = listener(() => rig?.clock);
    rig = await createRig({ reply: () => delivered, store: (store) => ({ ...store, ...verbs }) });
    await rig.store.insert([makeTimer({ dueAt: T0 + 500 })]);
    await rig.scheduler.runOnce();
    await rig.scheduler.start();
    await rig.pass(2000);
    const { scheduler } = rig;
    await eventually(() => scheduler.load().held === 0);

    await scheduler.stop();
    await rig.pass(10_000);

    expect(told.map(({ reports }) => (reports === 'forget' ? reports : reports.length))).toEqual([
      'forget',
      1,
      'forget',
    ]);
  });

  it('goes on as if nothing had happened while nobody can be told', async () => {
    let away = true;
    const { told, verbs } = listener(() => rig?.clock);
    const refuse = () => Promise.reject(new Refusal('store_unavailable', 'The database is not available.'));
    rig = await createRig({
      reply: () => delivered,
      store: (store) => ({
        ...store,
        publishDestinations: (given) => (away ? refuse() : verbs.publishDestinations(given)),
        forgetDestinations: (given) => (away ? refuse() : verbs.forgetDestinations(given)),
      }),
    });
    const timer = makeTimer({ dueAt: T0 + 500 });
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.scheduler.start();
    await rig.pass(4000);
    const { scheduler } = rig;
    await eventually(() => scheduler.load().held === 0);

    expect(events.filter((event) => event === 'destinations.not_told')).toHaveLength(2);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done' });
    away = false;
    await rig.pass(2000);
    expect(told.map(({ reports }) => (reports === 'forget' ? reports : reports.length))).toEqual(['forget', 1]);
  });
});

describe('What is told of lanes', () => {
  const clock = createManualClock();
  const laneOf = (name: string, over: Partial<Lane> = {}) =>
    Object.assign(createLane({ name, cap: 128, now: clock.monotonic() }), over);
  const destinationsOf = (lanes: Lane[], store: Pick<TimerStore, 'publishDestinations' | 'forgetDestinations'>) =>
    createDestinations({
      lanes: { all: () => lanes },
      action: 'webhook',
      store,
      storeClock: clock,
      clock,
      logger: createLogger({ level: 'silent', terminal: false }),
    });

  /** What the next report says. */
  async function toldOf(lanes: Lane[]): Promise<DestinationReport[]> {
    const { told, verbs } = listener(() => clock);
    const destinations = destinationsOf(lanes, verbs);
    await destinations.start();
    clock.advance(2000);
    await eventually(() => told.length === 2);
    await destinations.stop();
    return told[1]?.reports as DestinationReport[];
  }

  it('are the hosts of the one action, and no URLs that may not be called any more', async () => {
    const lanes = ['webhook a.example', 'presence a.example', 'webhook http://10.0.0.1/hook', 'webhooks b.example'];

    expect((await toldOf(lanes.map((name) => laneOf(name)))).map(({ host }) => host)).toEqual(['a.example']);
  });

  it('are the five hundred busiest', async () => {
    const lanes = Array.from({ length: 600 }, (_, index) => laneOf(`webhook ${index}`, { inFlight: index }));

    const told = await toldOf(lanes);

    expect(told.map(({ inFlight }) => inFlight)).toEqual(Array.from({ length: 500 }, (_, index) => 599 - index));
  });

  it('is of the last minute, and of all that is still waited for', async () => {
    const used = laneOf('webhook used');
    const waiting = laneOf('webhook waiting', { inFlight: 1 });
    const startedAt = clock.monotonic();
    const attempt = { startedAt, endedAt: startedAt };
    settle(used, 'delivered', attempt);
    clock.advance(50_000);
    settle(used, 'unreachable', { startedAt, endedAt: clock.monotonic() });
    used.inFlight = 0;
    const countsOf = async () => (await toldOf([used, waiting])).map(({ host, attempts }) => [host, attempts]);

    expect(await countsOf()).toEqual([
      ['waiting', 0],
      ['used', 2],
    ]);
    clock.advance(10_000);
    expect(await countsOf()).toEqual([
      ['waiting', 0],
      ['used', 1],
    ]);
    clock.advance(50_000);
    expect(await countsOf()).toEqual([['waiting', 0]]);
  });

  it('can be summed over the replicas that told it', async () => {
    const store = await openEmptySqlite({ clock });
    const replicas = [3, 4].map((inFlight) => destinationsOf([laneOf('webhook a.example', { inFlight })], store));
    await Promise.all(replicas.map((replica) => replica.start()));
    const sums = async () => sumDestinations(await store.listDestinations({ toldSince: clock.now() - 10_000 }));

    clock.advance(2000);
    await eventually(async () => (await store.listDestinations({ toldSince: 0 })).length === 2);
    expect(await sums()).toMatchObject([{ host: 'a.example', inFlight: 7, limit: 64, state: 'open' }]);

    await replicas[0]?.stop();
    expect(await sums()).toMatchObject([{ host: 'a.example', inFlight: 4, limit: 32 }]);
    await replicas[1]?.stop();
    expect(await sums()).toEqual([]);
    await store.close();
  });
});
