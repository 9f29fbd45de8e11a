import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/platform/index.ts';
import { openConnection } from '../../src/store/sqlite/connection.ts';
import { diagnoseSqlite } from '../../src/store/sqlite/doctor.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';

describe('The doctor on SQLite', () => {
  it('says nothing of a store as it is opened', async () => {
    const store = await openSqliteStore({ engine: 'sqlite', file: ':memory:' }, { clock: systemClock });
    expect(await store.diagnose()).toEqual([]);
    await store.close();
  });

  it('names the promise that commits without the disk would break', async () => {
    const connection = await openConnection(':memory:');
    await connection.run([{ sql: 'PRAGMA synchronous = NORMAL', rows: [[]] }]);
    expect(await diagnoseSqlite(connection)).toEqual([
      expect.objectContaining({ name: 'synchronous', promise: expect.stringMatching(/201.*loss of power/) }),
    ]);
    await connection.close();
  });
});
