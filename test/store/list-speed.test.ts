import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/platform/index.ts';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { ListPosition, TimerQuery, TimerStore } from '../../src/timers/index.ts';
import { createDatabase, queryServer } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { T0 } from '../support/timers.ts';
import { everyTimer } from './contract-changes.ts';
import { fillTimers } from './many-timers.ts';

const FULL = process.env.TEST_FULL === '1';
const TIMERS = FULL ? 1_000_000 : 30_000;
/** Other work shares the machine of a scaled run. */
const WITHIN_MS = FULL ? 20 : 100;
const LIMITS = [50, 500];
const PAGES = 12;
const TRIES = 3;

const LISTS: Record<string, Partial<TimerQuery>> = {
  'all timers': {},
  'those of an owner': { owner: 'owner-3' },
  'those of nobody': { owner: null },
  'a rare label': { label: 'rare-7' },
  'a rare label of an owner': { label: 'rare-7', owner: 'owner-4' },
  'a common label': { label: 'common' },
  'a common label of an owner': { label: 'common', owner: 'owner-3' },
  'what waits': { status: 'waiting' },
  'what waits of an owner': { status: 'waiting', owner: 'owner-3' },
  'what waits under a rare label': { status: 'waiting', label: 'rare-7' },
  'what waits under a common label of an owner': { status: 'waiting', label: 'common', owner: 'owner-3' },
  'what is due in an hour': { status: 'waiting', wakeFrom: T0 + 3_600_000, wakeTo: T0 + 7_200_000 },
  'what is done': { status: 'done' },
  'what failed on a host': { status: 'failed', origins: ['https://host-3.example'] },
  'what is on a host that nobody calls': { origins: ['https://nowhere.example'] },
  'what is done on a host that nobody calls': { status: 'done', origins: ['https://nowhere.example'] },
  'a common label on a host that nobody calls': { label: 'common', origins: ['https://nowhere.example'] },
};

/** A store with many timers. */
const ENGINES: Record<string, () => Promise<{ store: TimerStore; close: () => Promise<void> }>> = {
  mysql: () => onServer('mysql'),
  mariadb: () => onServer('mariadb'),
  SQLite: onFile,
};

describe.each(Object.entries(ENGINES))(`On %s with ${TIMERS} timers, a page`, (_engine, open) => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open();
    // What turns rows into timers is compiled by now in any service that has listed before; its data may be cold.
    for (let time = 0; time < PAGES; time++) await opened.store.list(everyTimer, { after: null, limit: 500 });
  }, 300_000);
  afterAll(() => opened.close());

  it.each(Object.entries(LISTS))(
    `of %s comes within ${WITHIN_MS} ms, the first and those after it`,
    async (_list, over) => {
      const slow: { limit: number; page: number; ms: number }[] = [];
      for (const limit of LIMITS) {
        let after: ListPosition | null = null;
        for (let page = 0; page < PAGES; page++) {
          const { ms, next } = await fastest(opened.store, { ...everyTimer, ...over }, { after, limit });
          if (ms > WITHIN_MS) slow.push({ limit, page, ms });
          if (next === null) break;
          after = next;
        }
      }
      expect(slow).toEqual([]);
    },
  );
});

/** Of several tries where the first is not fast enough, since whatever else the machine does is none of the store's doing. */
async function fastest(store: TimerStore, query: TimerQuery, page: { after: ListPosition | null; limit: number }) {
  let ms = Infinity;
  let next: ListPosition | null = null;
  for (let tries = 0; tries < TRIES && ms > WITHIN_MS; tries++) {
    const startedAt = performance.now();
    ({ next } = await store.list(query, page));
    ms = Math.min(ms, performance.now() - startedAt);
  }
  return { ms, next };
}

async function onServer(kind: 'mysql' | 'mariadb') {
  const database = await createDatabase(kind);
  const store = await openMysqlStore(mysqlSettings(database.url));
  for (const statement of fillTimers('mysql', TIMERS)) await queryServer(database.url, statement);
  await queryServer(database.url, 'ANALYZE TABLE timers');
  return {
    store,
    async close() {
      await store.close();
      await database.drop();
    },
  };
}

async function onFile() {
  const folder = mkdtempSync(join(tmpdir(), 'punctual-lists-'));
  const file = join(folder, 'punctual.db');
  const settings = { engine: 'sqlite', file } as const;
  await (await openSqliteStore(settings, { clock: systemClock })).close();
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL');
  for (const statement of fillTimers('sqlite', TIMERS)) db.exec(statement);
  db.close();
  const store = await openSqliteStore(settings, { clock: systemClock });
  return {
    store,
    async close() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}
