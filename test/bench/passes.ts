import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { createLogger, createRemoteClock, systemClock as clock } from '../../src/platform/index.ts';
import { createHoldings } from '../../src/scheduler/holdings.ts';
import { createLostClaims } from '../../src/scheduler/lost-claims.ts';
import { createPass } from '../../src/scheduler/pass.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { schedulerSettings } from '../support/scheduler-settings.ts';
import { makeTimers, resultOf } from '../support/timers.ts';

/** The scheduler's own passes, run by hand on a store of their own: nothing else happens, so they can be measured alone. */
export interface Passes extends AsyncDisposable {
  /** Stores so many timers that the next pass will find. */
  store(count: number): Promise<void>;
  /** One pass, and how long it took, milliseconds. */
  run(): Promise<number>;
  /** Writes that what the passes took was delivered. Returns how many it was. */
  record(): Promise<number>;
}

const RECORDED_AT_ONCE = 500;

export async function openPasses(databaseUrl: string): Promise<Passes> {
  const store = await openMysqlStore(mysqlSettings(databaseUrl));
  const storeClock = createRemoteClock({ clock });
  storeClock.observe(await store.readClock());
  const holdings = createHoldings();
  const taken: { id: string; claimId: string }[] = [];
  const pass = createPass({
    store,
    storeClock,
    clock,
    holdings,
    placeAhead: () => 'ahead',
    lostClaims: createLostClaims({ store }),
    recorder: { isWriting: () => false },
    accept: ({ timer }) => void taken.push(timer),
    logger: createLogger({ level: 'warn', terminal: false }),
    settings: schedulerSettings,
  });

  return {
    store: (count) => {
      const dueAt = Math.ceil(storeClock.now()) + schedulerSettings.lookaheadMs / 2;
      return store.insert(makeTimers(count, () => ({ dueAt })));
    },
    async run() {
      const startedAt = performance.now();
      await pass.runOnce();
      return performance.now() - startedAt;
    },
    async record() {
      const count = taken.length;
      const wakeAt = Math.ceil(storeClock.now());
      while (taken.length > 0) {
        const some = taken.splice(0, RECORDED_AT_ONCE);
        await store.record(some.map((held) => resultOf(held, { wakeAt, nextAttemptAt: wakeAt })));
        for (const { id } of some) holdings.remove(id);
      }
      return count;
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}
