// Runs in a thread of its own: a commit waits for the disk, and the thread that releases timers must not.
import { statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Job, Reply, StatementResult } from './connection.ts';

/** Distinct statements are few; lists with filters make some more. */
const STATEMENTS_KEPT = 200;

const { file } = workerData as { file: string };
if (parentPort === null) throw new Error('This file runs as a worker.');
const port = parentPort;

/** SQLite's own code for a file that cannot be opened. */
const CANNOT_OPEN = 14;

const db = open();
const inode = inodeOf(file);
const statements = new Map<string, StatementSync>();

/** One process per file: the lock is taken with the first read and held until the process ends, however it ends. */
function open(): DatabaseSync {
  const opened = new DatabaseSync(file, { timeout: 1000 });
  opened.exec('PRAGMA locking_mode = EXCLUSIVE');
  opened.exec('PRAGMA journal_mode = WAL');
  // WAL alone would answer before the disk has the commit.
  opened.exec('PRAGMA synchronous = FULL');
  opened.exec('PRAGMA wal_autocheckpoint = 4000');
  opened.exec('PRAGMA journal_size_limit = 67108864');
  opened.exec('PRAGMA cache_size = -65536');
  opened.exec('PRAGMA temp_store = MEMORY');
  opened.exec('BEGIN IMMEDIATE; COMMIT');
  return opened;
}

function inodeOf(path: string): string | undefined {
  const found = path === ':memory:' ? undefined : statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

/** SQLite would go on in a file that has no name any more, and all would be gone when it is closed. */
function refuseIfAstray(): void {
  try {
    if (inodeOf(file) === inode) return;
  } catch {
    // A folder that may not be looked into any more says nothing of the file.
    return;
  }
  const message = `The file ${file} was moved, replaced or deleted while it was open. Put it back where it was`;
  throw Object.assign(new Error(message), { errcode: CANNOT_OPEN });
}

function statement(sql: string): StatementSync {
  let prepared = statements.get(sql);
  if (prepared === undefined) {
    if (statements.size >= STATEMENTS_KEPT) statements.clear();
    prepared = db.prepare(sql);
    prepared.setAllowUnknownNamedParameters(true);
    statements.set(sql, prepared);
  }
  return prepared;
}

function run({ sql, rows }: Job['statements'][number]): StatementResult {
  const prepared = statement(sql);
  if (prepared.columns().length > 0) {
    return { rows: rows.flatMap((row) => prepared.all(...(row as SQLInputValue[]))), changes: 0 };
  }
  let changes = 0;
  for (const row of rows) changes += Number(prepared.run(...(row as SQLInputValue[])).changes);
  return { rows: [], changes };
}

function perform(job: Job): StatementResult[] {
  // What was begun is ended.
  if (!db.isTransaction) refuseIfAstray();
  if (!job.transaction) return job.statements.map(run);
  db.exec('BEGIN IMMEDIATE');
  try {
    const results = job.statements.map(run);
    db.exec('COMMIT');
    return results;
  } catch (error) {
    // A full disk has rolled back already.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

port.on('message', (job: Job | 'close') => {
  if (job === 'close') {
    db.close();
    port.close();
    return;
  }
  let reply: Reply;
  try {
    reply = { id: job.id, results: perform(job) };
  } catch (error) {
    const { message, errcode } = error as Error & { errcode?: number };
    reply = { id: job.id, error: { message, errcode: errcode ?? null } };
  }
  port.postMessage(reply);
});
port.postMessage('open');
