import { describe, expect, it } from '@jest/globals';
import { v7 } from 'uuid';
import type { ListPosition, Timer, TimerQuery } from '../../src/timers/index.ts';
import { makeTimer, makeTimers, T0 } from '../support/timers.ts';
import { everyTimer } from './contract-changes.ts';
import type { OpenedStore } from './contract.ts';

/** What every store promises to a client who looks for timers. */
export function describeLists(opened: () => OpenedStore): void {
  async function pages(query: TimerQuery, limit: number): Promise<Timer[][]> {
    const listed: Timer[][] = [];
    let after: ListPosition | null = null;
    do {
      const { timers, next } = await opened().store.list(query, { after, limit });
      expect(timers.length).toBeLessThanOrEqual(limit);
      listed.push(timers);
      after = next;
    } while (after !== null && listed.length < 100);
    return listed;
  }
  const idsOf = (timers: Timer[]) => timers.map(({ id }) => id);
  const newestFirst = (timers: Timer[]) => idsOf(timers).sort().reverse();

  describe('a list', () => {
    it('is empty, and ends at once, where nothing is stored', async () => {
      for (const over of [
        {},
        { owner: 'a' },
        { label: 'a' },
        { owner: 'a', label: 'a' },
        { status: 'done' } as const,
      ]) {
        const page = await opened().store.list({ ...everyTimer, ...over }, { after: null, limit: 50 });
        expect(page).toEqual({ timers: [], next: null });
      }
    });

    it.each([1, 3, 7, 100])('has every timer on exactly one page, newest first, %i to a page', async (limit) => {
      const timers = makeTimers(7);
      await opened().store.insert(timers);

      const listed = await pages(everyTimer, limit);

      expect(idsOf(listed.flat())).toEqual(newestFirst(timers));
      expect(listed).toHaveLength(Math.ceil(7 / limit));
    });

    it('has all fields but the body', async () => {
      const timer = makeTimer({ body: Buffer.from('abc'), bodyBytes: 3, headers: { a: 'b' }, answer: 'x' });
      await opened().store.insert([timer]);

      const { timers } = await opened().store.list(everyTimer, { after: null, limit: 1 });

      expect(timers).toEqual([{ ...timer, body: null }]);
    });

    it('of one owner, or of nobody, has no other timer', async () => {
      const timers = makeTimers(30, (index) => ({ owner: [null, 'a', 'b'][index % 3] ?? null }));
      await opened().store.insert(timers);

      for (const owner of [null, 'a', 'b']) {
        const own = timers.filter((timer) => timer.owner === owner);
        expect(idsOf((await pages({ ...everyTimer, owner }, 4)).flat())).toEqual(newestFirst(own));
      }
    });

    it('by label has the timers of the label alone: an owner’s newest first, an admin’s owner by owner', async () => {
      const timers = makeTimers(60, (index) => ({
        owner: [null, 'a', 'b'][index % 3] ?? null,
        label: [null, 'x', 'y', 'x'][index % 4] ?? null,
      }));
      await opened().store.insert(timers);
      const ofLabel = (owner: string | null) =>
        newestFirst(timers.filter((timer) => timer.label === 'x' && timer.owner === owner));

      for (const owner of [null, 'a', 'b']) {
        expect(idsOf((await pages({ ...everyTimer, owner, label: 'x' }, 3)).flat())).toEqual(ofLabel(owner));
      }
      for (const limit of [1, 3, 10, 100]) {
        const listed = (await pages({ ...everyTimer, label: 'x' }, limit)).flat();
        expect(idsOf(listed)).toEqual(['b', 'a', null].flatMap(ofLabel));
      }
    });

    it.each([
      ['waiting', 1],
      ['executing', 1],
      ['done', -1],
      ['failed', -1],
      ['cancelled', -1],
      ['unknown', -1],
    ] as const)('of status %s is in wake order, also among many of one instant', async (status, direction) => {
      const timers = makeTimers(40, (index) => ({ status, wakeAt: T0 + (index % 4), claimId: v7() }));
      const others = makeTimers(5, () => ({ status: status === 'done' ? 'failed' : 'done' }));
      await opened().store.insert([...timers, ...others]);

      const listed = (await pages({ ...everyTimer, status }, 3)).flat();

      const order = timers.toSorted((a, b) => direction * (a.wakeAt - b.wakeAt || (a.id < b.id ? -1 : 1)));
      expect(idsOf(listed)).toEqual(idsOf(order));
    });

    it('of what waits has bounds on the next attempt, the first inside and the last outside', async () => {
      const timers = makeTimers(20, (index) => ({ dueAt: T0 + index }));
      await opened().store.insert(timers);
      const query = { ...everyTimer, status: 'waiting', wakeFrom: T0 + 5, wakeTo: T0 + 15 } as const;

      expect(idsOf((await pages(query, 4)).flat())).toEqual(idsOf(timers.slice(5, 15)));
    });

    it('by status and label is in wake order, whether the label is rare or common', async () => {
      const timers = makeTimers(50, (index) => ({ label: index % 2 ? 'x' : 'y', owner: 'a', dueAt: T0 + (index % 7) }));
      await opened().store.insert(timers);
      const query = { ...everyTimer, status: 'waiting', label: 'x' } as const;
      const order = timers
        .filter(({ label }) => label === 'x')
        .sort((a, b) => a.wakeAt - b.wakeAt || (a.id < b.id ? -1 : 1));

      expect(idsOf((await pages(query, 4)).flat())).toEqual(idsOf(order));
      expect(idsOf((await pages({ ...query, owner: 'a' }, 4)).flat())).toEqual(idsOf(order));
      expect(idsOf((await pages({ ...query, owner: 'b' }, 4)).flat())).toEqual([]);
    });

    it('by host has the timers whose URL has that host, however it is spelled', async () => {
      const urls = [
        'https://a.example/hook',
        'HTTP://A.Example:80?x=/b.example',
        'https://a.example:8443/hook',
        'https://b.example/https://a.example/',
        'https://a.example.org/',
        'http://a.example',
      ];
      await opened().store.insert(urls.map((url) => makeTimer({ url })));
      const hosted = ['http://a.example', 'https://a.example', 'http://a.example:80', 'https://a.example:443'];

      const listed = (await pages({ ...everyTimer, origins: hosted }, 10)).flat();

      expect(listed.map(({ url }) => url).sort()).toEqual([urls[0], urls[1], urls[5]].sort());
    });

    it('by label has no timer whose label is spelled otherwise, be it by a blank or a capital', async () => {
      await opened().store.insert(['x', 'x ', ' x', 'X', 'x.', 'xx'].map((label) => makeTimer({ label })));

      for (const label of ['x', 'x ']) {
        for (const status of ['waiting', undefined] as const) {
          const listed = (await pages({ ...everyTimer, label, status }, 10)).flat();
          expect(listed.map((timer) => timer.label)).toEqual([label]);
        }
      }
    });

    it('leaves out what another module has made', async () => {
      await opened().store.insert(makeTimers(4, (index) => ({ action: index % 2 ? 'webhook' : 'status_check' })));
      expect((await pages(everyTimer, 10)).flat()).toHaveLength(2);
    });

    it('walks 4,000 entries a page at most: a page may be short, and none is forgotten', async () => {
      const timers = makeTimers(11_000, (index) => ({ owner: index === 3 || index === 7000 ? 'rare' : 'common' }));
      await opened().store.insert(timers);
      const query = { ...everyTimer, status: 'waiting', owner: 'rare' } as const;

      const listed = await pages(query, 50);

      expect(listed.length).toBeGreaterThan(2);
      expect(idsOf(listed.flat())).toEqual([timers[3]?.id, timers[7000]?.id]);
    });

    it('that is read while others insert and claim has every timer that stayed as it was exactly once', async () => {
      const timers = makeTimers(400, (index) => ({ dueAt: T0 + 60_000 + index, label: 'x' }));
      await opened().store.insert(timers);
      const stirring = (async () => {
        for (let round = 0; round < 20; round++) {
          await opened().replica.insert(makeTimers(20, () => ({ dueAt: T0 + 60_000 + round * 20, label: 'x' })));
        }
      })();

      const byWake = idsOf((await pages({ ...everyTimer, status: 'waiting' }, 25)).flat());
      const byLabel = idsOf((await pages({ ...everyTimer, label: 'x' }, 25)).flat());
      await stirring;

      for (const listed of [byWake, byLabel]) {
        expect(new Set(listed).size).toBe(listed.length);
        const seen = new Set(listed);
        expect(timers.filter(({ id }) => !seen.has(id))).toEqual([]);
      }
    });
  });

  describe('looking for the finished', () => {
    it('finds those of the given timers that are, over more ids than one statement takes', async () => {
      const timers = makeTimers(900, (index) => ({ status: index % 3 === 0 ? 'done' : 'waiting' }));
      await opened().store.insert(timers);

      const finished = await opened().store.findFinished([...idsOf(timers), v7()]);

      expect(idsOf(finished).sort()).toEqual(idsOf(timers.filter(({ status }) => status === 'done')).sort());
      expect(await opened().store.findFinished([])).toEqual([]);
    });
  });
}
