import { afterEach, describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import { Refusal } from '../../src/timers/index.ts';
import { eventually } from '../support/eventually.ts';
import { makeTimer, T0 } from '../support/timers.ts';
import { createRig, delivered, events, type Rig } from './scheduler-under-test.ts';

const large = Buffer.alloc(5000, 'x');
const withLargeBody = () => makeTimer({ body: large, bodyBytes: large.length, dueAt: T0 + 100 });

let rig: Rig;
afterEach(() => rig.close());

describe('A timer with a body too large to be claimed with it', () => {
  it('is performed with its body', async () => {
    rig = await createRig({ reply: () => delivered });
    const timer = withLargeBody();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();

    await rig.pass(100);
    await eventually(() => rig.scheduler.load().held === 0);

    expect(rig.calls.map((call) => Buffer.from(call.timer.body ?? []))).toEqual([large]);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'done', attempts: 1 });
  });

  it('is performed with its body at most once, too', async () => {
    rig = await createRig({ reply: () => delivered });
    await rig.store.insert([{ ...withLargeBody(), delivery: 'at_most_once' }]);
    await rig.scheduler.runOnce();

    await rig.pass(100);
    await eventually(() => rig.scheduler.load().held === 0);

    expect(rig.calls.map(({ timer }) => timer.body?.length)).toEqual([5000]);
  });

  it('is not performed when its claim was lost meanwhile, and its row is left alone', async () => {
    rig = await createRig({ store: (store) => ({ ...store, readBody: () => Promise.resolve(undefined) }) });
    const timer = withLargeBody();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();
    await rig.store.releaseClaim({ ...claimOn(await rig.timer(timer.id)), now: T0 });
    const other = v7();
    await rig.store.claim({
      from: 'waiting',
      wakeFrom: T0,
      wakeTo: T0 + 200,
      limit: 1,
      claimId: other,
      leaseEndsAt: T0 + 60_000,
    });

    await rig.pass(100);
    await eventually(() => rig.scheduler.load().held === 0);

    expect(rig.calls).toEqual([]);
    expect(await rig.timer(timer.id)).toMatchObject({ status: 'executing', claimId: other });
    expect(events).toContain('timer.claim_lost');
  });

  it('waits again when the body cannot be read, and counts no attempt', async () => {
    const storeAway = () => Promise.reject(new Refusal('store_unavailable', 'The database is not available.'));
    rig = await createRig({ store: (store) => ({ ...store, readBody: storeAway }) });
    const timer = withLargeBody();
    await rig.store.insert([timer]);
    await rig.scheduler.runOnce();

    await rig.pass(100);
    await eventually(() => rig.scheduler.load().held === 0);

    expect(rig.calls).toEqual([]);
    const { status, attempts, wakeAt } = await rig.timer(timer.id);
    expect([status, attempts]).toEqual(['waiting', 0]);
    expect(wakeAt).toBeGreaterThan(T0 + 100);
  });
});

const claimOn = ({ claimId, wakeAt }: { claimId: string | null; wakeAt: number }) => ({
  claimId: claimId ?? '',
  leaseEndsAt: wakeAt,
});
