import type { LockingClause } from '../../src/store/mysql/claim.ts';
import { describeTimerStore } from './contract.ts';
import { emptiedMysql } from './emptied-mysql.ts';
import { KINDS } from './mysql-under-test.ts';

for (const kind of KINDS) {
  for (const lockingClause of ['FOR UPDATE SKIP LOCKED', ''] as const satisfies LockingClause[]) {
    const name = lockingClause === '' ? `${kind} with the locking clause stripped` : kind;
    const open = emptiedMysql(kind, { lockingClause });
    describeTimerStore(name, async () => {
      const opened = await open();
      return { ...opened, attempts: () => opened.rows('SELECT * FROM attempts') };
    });
  }
}
