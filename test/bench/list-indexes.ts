// node test/bench/list-indexes.ts: what the indexes for lists cost those who make and claim timers, on a MySQL of its own.
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import type { TimerStore } from '../../src/timers/index.ts';
import { startServer } from '../support/database-server.ts';
import { createDatabase, queryServer } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { claimOf, makeTimer, resultOf } from '../support/timers.ts';
import { median } from './measure.ts';

const ROUNDS = 30;
const CALLERS = 64;
const CALLS = 6000;
const BATCH = 500;
const CLAIMS = 12;

process.env.TEST_RUN_PID = String(process.pid);
const server = await startServer('mysql');
const stores: Record<string, TimerStore> = {
  with: await open(),
  without: await open('DROP KEY listed, DROP KEY labelled'),
};
const seconds: Record<string, Record<string, number[]>> = {};
let count = 0;

for (let round = 0; round < ROUNDS; round++) {
  for (const name of round % 2 === 0 ? ['with', 'without'] : ['without', 'with']) {
    const store = stores[name];
    if (store === undefined) continue;
    await measure(`${CALLS} inserts by ${CALLERS} callers`, name, () => insertOneByOne(store));
    await measure(`${CLAIMS} claims of ${BATCH}, recorded`, name, () => claimAndRecord(store));
  }
}
console.table(
  Object.entries(seconds).map(([what, { with: withThem = [], without = [] }]) => ({
    what,
    without: `${median(without).toFixed(3)} s`,
    with: `${median(withThem).toFixed(3)} s`,
    'median of the ratios': median(withThem.map((value, round) => value / (without[round] ?? NaN))).toFixed(3),
  })),
);
await Promise.all(Object.values(stores).map((store) => store.close()));
await server.stop();

async function open(alteration?: string): Promise<TimerStore> {
  const database = await createDatabase('mysql', server.url);
  const store = await openMysqlStore(mysqlSettings(database.url));
  if (alteration !== undefined) await queryServer(database.url, `ALTER TABLE timers ${alteration}`);
  return store;
}

async function measure(what: string, name: string, run: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await run();
  ((seconds[what] ??= {})[name] ??= []).push((performance.now() - startedAt) / 1000);
}

/** As requests do: each waits for its commit, and those that come together share a statement. */
async function insertOneByOne(store: TimerStore): Promise<void> {
  let left = CALLS;
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (left-- > 0) await store.insert([labelled()]);
    }),
  );
}

async function claimAndRecord(store: TimerStore): Promise<void> {
  for (let claims = 0; claims < CLAIMS; claims++) {
    const claimed = await store.claim(claimOf({ limit: BATCH }));
    await store.record(claimed.map((held) => resultOf(held)));
  }
}

/** Of ten owners; a third with a common label, a thousandth with a rare one. */
function labelled() {
  count += 1;
  const label = count % 1000 === 0 ? `rare-${count}` : count % 3 === 0 ? 'common' : null;
  return makeTimer({ owner: `owner-${count % 10}`, label });
}
