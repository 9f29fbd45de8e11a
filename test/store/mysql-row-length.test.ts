import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openMysqlStore } from '../../src/store/mysql/open.ts';
import type { TimerStore } from '../../src/timers/index.ts';
import { createDatabase, queryServer, type TestDatabase } from '../support/databases.ts';
import { mysqlSettings } from '../support/mysql-settings.ts';
import { claimOf, makeTimer, resultOf } from '../support/timers.ts';
import { KINDS } from './mysql-under-test.ts';

describe.each(KINDS)('On %s a row', (kind) => {
  let database: TestDatabase;
  let store: TimerStore;

  beforeAll(async () => {
    database = await createDatabase(kind);
    store = await openMysqlStore(mysqlSettings(database.url));
  });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  /** What a row takes in its page beside its texts: a column of fixed width takes nothing while it is NULL. */
  async function nullColumns(): Promise<string[]> {
    const [row] = await queryServer(database.url, 'SELECT * FROM timers');
    return Object.entries(row ?? {}).flatMap(([column, value]) => (value === null ? [column] : []));
  }

  it('has its final length from the beginning, so that neither claim nor success moves it', async () => {
    const timer = makeTimer();
    await store.insert([timer]);
    const asInserted = await nullColumns();

    const [held] = await store.claim(claimOf());
    if (held === undefined) throw new Error('Nothing was claimed.');
    expect(await nullColumns()).toEqual(asInserted);

    const { attempt } = resultOf(held);
    if (attempt === null) throw new Error('A result has an attempt.');
    await store.record([resultOf(held, { attempt: { ...attempt, answer: null } })]);
    expect(await nullColumns()).toEqual(asInserted);
    expect(await store.find(timer.id)).toMatchObject({ status: 'done', firedAt: attempt.firedAt });
  });
});
