import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/platform/index.ts';
import type { TimerStore } from '../../src/timers/index.ts';
import { reportOf } from '../support/destinations.ts';
import { openEmptySqlite } from '../support/emptied-sqlite.ts';
import { T0 } from '../support/timers.ts';
import { emptiedMysql } from './emptied-mysql.ts';

interface Opened {
  store: TimerStore;
  close: () => Promise<void>;
}

const engines: Record<string, () => Promise<Opened>> = {
  async sqlite() {
    const store = await openEmptySqlite({ clock: systemClock });
    return { store, close: () => store.close() };
  },
  mysql: emptiedMysql('mysql'),
  mariadb: emptiedMysql('mariadb'),
};

describe.each(Object.entries(engines))('What replicas tell of their hosts, on %s,', (_, open) => {
  const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
  let opened: Opened;
  let store: TimerStore;

  beforeEach(async () => {
    opened = await open();
    store = opened.store;
  });
  afterEach(() => opened.close());

  const tell = (replica: string, now: number, ...hosts: string[]) =>
    store.publishDestinations({ replica, now, reports: hosts.map((host) => reportOf({ host })) });
  const toldSince = async (since: number) =>
    (await store.listDestinations({ toldSince: since })).map(({ host }) => host).sort();

  it('is read as it was told', async () => {
    const report = reportOf({
      inFlight: 3,
      queued: 70_000,
      limit: 0,
      state: 'failing',
      attempts: 12,
      delivered: 1,
      lateness: [
        [0, 9],
        [120, 3],
      ],
      lastError: { code: 'timeout', message: `größer ' " \\ 🕐`, at: T0 },
    });

    await store.publishDestinations({ replica: one, now: T0, reports: [report] });

    expect(await store.listDestinations({ toldSince: T0 })).toEqual([report]);
  });

  it('is replaced by what the same replica tells next, and by nothing of another', async () => {
    await tell(one, T0, 'a', 'b');
    await tell(other, T0, 'b', 'c');
    await tell(one, T0 + 2000, 'd');

    expect(await toldSince(T0)).toEqual(['b', 'c', 'd']);
  });

  it('is left out where it is older than asked for', async () => {
    await tell(one, T0, 'a');
    await tell(other, T0 + 1, 'b');

    expect(await toldSince(T0 + 1)).toEqual(['b']);
  });

  it('is forgotten when the replica takes it back, together with that of replicas long silent', async () => {
    const third = crypto.randomUUID();
    await tell(one, T0, 'a');
    await tell(other, T0 - 60_001, 'b');
    await tell(third, T0 - 60_000, 'c');

    await store.forgetDestinations({ replica: one, silentSince: T0 - 60_000 });

    expect(await toldSince(0)).toEqual(['c']);
  });

  it('may be five hundred hosts with all that can be said of them', async () => {
    const lateness = Array.from({ length: 230 }, (_, bucket): [number, number] => [bucket, 100_000]);
    const lastError = { code: 'x'.repeat(64), message: '🕐'.repeat(100), at: T0 };
    const reports = Array.from({ length: 500 }, (_, index) =>
      reportOf({ host: `${index}.${'h'.repeat(250)}`, lateness, lastError }),
    );

    await store.publishDestinations({ replica: one, now: T0, reports });

    // As text, and not by toEqual, which takes seconds to tell that nothing differs.
    const told = JSON.stringify(await store.listDestinations({ toldSince: T0 }));
    expect(isDeepStrictEqual(JSON.parse(told), reports)).toBe(true);
  });

  it('survives that many replicas tell and take back at once', async () => {
    const replicas = Array.from({ length: 12 }, () => crypto.randomUUID());

    await Promise.all(
      replicas.map(async (replica, index) => {
        await store.forgetDestinations({ replica, silentSince: T0 - 60_000 });
        for (let round = 0; round < 5; round++) await tell(replica, T0 + round, `host-${index}`);
        if (index % 2 === 1) await store.forgetDestinations({ replica, silentSince: T0 - 60_000 });
      }),
    );

    expect(await toldSince(T0 + 4)).toEqual([0, 10, 2, 4, 6, 8].map((index) => `host-${index}`));
  });
});
