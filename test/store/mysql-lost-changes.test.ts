import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import { changeTimer } from '../../src/store/change-timer.ts';
import { mysqlHints } from '../../src/store/index-hints.ts';
import type { TimerChange } from '../../src/timers/index.ts';
import { claimOf, makeTimer, makeTimers, T0 } from '../support/timers.ts';
import { everyTimer, replayOf } from './contract-changes.ts';
import { connectTo, KINDS, openFaultyStore, type FaultyStore } from './mysql-under-test.ts';

const CHANGE = /UPDATE timers FORCE INDEX \(PRIMARY\) SET/;

const moveTo = (at: number): TimerChange => ({ dueAt: at, nextAttemptAt: at, wakeAt: at });

describe.each(KINDS)('On %s, a change whose answer was lost', (kind) => {
  let opened: FaultyStore;
  beforeEach(async () => {
    opened = await openFaultyStore(kind);
  });
  afterEach(() => opened.close());

  it.each<[string, Parameters<typeof makeTimer>[0], TimerChange]>([
    ['a move', {}, { ...moveTo(T0 + 5000), headers: { a: 'b' }, body: Buffer.from('x'), bodyBytes: 1 }],
    ['a move under a claim', {}, { ...moveTo(T0 + 5), status: 'executing', claimId: v7(), wakeAt: T0 + 9000 }],
    ['a cancellation', {}, { status: 'cancelled', wakeAt: T0 }],
    ['a replay', { status: 'failed', fence: 3 }, replayOf(makeTimer())],
  ])('is found to be made: %s', async (_name, over, change) => {
    const seen = makeTimer(over);
    await opened.store.insert([seen]);
    const lost = opened.proxy.once(CHANGE, 'lose the answer');

    const changed = await opened.store.change(seen, change);
    await lost;

    expect(changed).toMatchObject({ ...change, id: seen.id });
    expect(await opened.store.find(seen.id)).toEqual(changed);
  });

  it('is found to be made: a replay under a key, of which the commit was not answered', async () => {
    const seen = makeTimer({ status: 'failed', fence: 3, key: 'k' });
    await opened.store.insertKeyed([{ timer: seen, idempotency: null }]);
    const lost = opened.proxy.once(/commit$/, 'lose the answer');

    const changed = await opened.store.change(seen, replayOf(seen));
    await lost;

    expect(changed).toEqual({ ...seen, ...replayOf(seen), fence: 4 });
    expect(await opened.store.find(seen.id)).toEqual(changed);
  });

  it.each<[string, RegExp, (ids: string[]) => Promise<number>]>([
    ['a cancellation', /SET status = 'cancelled'/, (ids) => opened.store.cancelAll(ids, everyTimer, { now: T0 })],
    ['a replay', /commit$/, (ids) => opened.store.replayAll(ids, everyTimer, { dueAt: T0 })],
  ])('of many is left open, rather than told to have met none: %s', async (name, statement, change) => {
    const status = name === 'a replay' ? 'failed' : 'waiting';
    const timers = makeTimers(20, () => ({ status }));
    await opened.store.insert(timers);
    const lost = opened.proxy.once(statement, 'lose the answer');

    await expect(change(timers.map(({ id }) => id))).rejects.toMatchObject({ code: 'store_unavailable' });
    await lost;

    expect(await opened.store.find(timers[0]?.id ?? '')).not.toMatchObject({ status });
  });

  it('is left open when the timer has moved on by the time it is looked for', async () => {
    const seen = makeTimer();
    await opened.store.insert([seen]);
    await opened.store.claim(claimOf());
    const db = connectTo(opened.direct);

    const again = changeTimer(db, mysqlHints, { seen, change: moveTo(T0 + 5000), again: true });

    await expect(again).rejects.toMatchObject({ code: 'store_unavailable' });
    await db.destroy();
  });
});
