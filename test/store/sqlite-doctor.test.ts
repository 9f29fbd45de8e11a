import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/platform/index.ts';
import { openConnection } from '../../src/store/sqlite/connection.ts';
import { diagnoseSqlite } from '../../src/store/sqlite/doctor.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';

describe('The doctor on SQLite', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'punctual-sqlite-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('says nothing of a store as it is opened', async () => {
    const file = join(folder, 'punctual.db');
    const store = await openSqliteStore({ engine: 'sqlite', file }, { clock: systemClock });
    expect(await store.diagnose()).toEqual([]);
    await store.close();
  });

  it('names the promise that commits without the disk would break', async () => {
    const connection = await openConnection(join(folder, 'punctual.db'));
    await connection.run([{ sql: 'PRAGMA synchronous = NORMAL', rows: [[]] }]);
    expect(await diagnoseSqlite(connection)).toEqual([
      expect.objectContaining({ name: 'synchronous', promise: expect.stringMatching(/201.*loss of power/) }),
    ]);
    await connection.close();
  });

  it('says of a database in memory that it ends with the process', async () => {
    const store = await openSqliteStore({ engine: 'sqlite', file: ':memory:' }, { clock: systemClock });
    expect(await store.diagnose()).toMatchObject([{ name: 'memory', detail: expect.stringMatching(/DATABASE_URL/) }]);
    await store.close();
  });
});
