import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Statements sent to the worker together; within a transaction if so said, otherwise each commits by itself. */
export interface Job {
  id: number;
  transaction: boolean;
  statements: {
    sql: string;
    /** The statement runs once per row of parameters. */
    rows: unknown[][];
  }[];
}

export interface StatementResult {
  rows: unknown[];
  changes: number;
}

export type Reply =
  { id: number; results: StatementResult[] } | { id: number; error: { message: string; errcode: number | null } };

/** Primary result codes, by the names that the log shows. */
const CODES: Record<number, string> = {
  5: 'SQLITE_BUSY',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
};

/** An error of SQLite; `errcode` is its extended result code, null for one of Node's own, as of a value it cannot bind. */
export class SqliteError extends Error {
  readonly errcode: number | null;
  readonly code: string;

  constructor({ message, errcode }: { message: string; errcode: number | null }) {
    super(message);
    this.name = 'SqliteError';
    this.errcode = errcode;
    this.code = CODES[(errcode ?? 0) & 0xff] ?? `SQLITE_${errcode ?? 'MISUSE'}`;
  }
}

/** The file has been closed. */
export class ConnectionClosed extends Error {
  constructor() {
    super('The SQLite file has been closed.');
    this.name = 'ConnectionClosed';
  }
}

export interface SqliteConnection {
  run(statements: Job['statements'], options?: { transaction: boolean }): Promise<StatementResult[]>;
  /** Keeps every other caller's statements out until released: a transaction over several calls. */
  acquire(): Promise<SqliteSession>;
  close(): Promise<void>;
}

export interface SqliteSession {
  run: SqliteConnection['run'];
  release(): void;
}

/**
 * Opens, or makes, the file. Rejects when another process has it open. Should its thread die, the process ends by an uncaught
 * exception: it could only refuse what it is asked from then on, and whoever starts it again finds all that was committed.
 */
export async function openConnection(file: string): Promise<SqliteConnection> {
  if (file !== ':memory:') makeFolder(dirname(file));
  // The compiled worker lies beside the compiled connection, under the same ending.
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./worker.${ending}`, import.meta.url), { workerData: { file } });
  const pending = new Map<number, { resolve: (results: StatementResult[]) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let turn: Promise<void> = Promise.resolve();
  let isClosed = false;

  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
  });
  worker.on('error', (cause) => {
    throw new Error('The thread of the SQLite file has died.', { cause });
  });
  worker.on('exit', () => {
    isClosed = true;
    for (const { reject } of pending.values()) reject(new ConnectionClosed());
    pending.clear();
  });
  worker.on('message', (reply: Reply) => {
    const caller = pending.get(reply.id);
    pending.delete(reply.id);
    if ('error' in reply) caller?.reject(new SqliteError(reply.error));
    else caller?.resolve(reply.results);
  });

  const run: SqliteConnection['run'] = (statements, options) =>
    new Promise((resolve, reject) => {
      if (isClosed) return reject(new ConnectionClosed());
      const id = ++lastId;
      pending.set(id, { resolve, reject });
      worker.postMessage({ id, transaction: options?.transaction ?? false, statements } satisfies Job);
    });

  async function acquire(): Promise<SqliteSession> {
    const before = turn;
    let release = () => {};
    turn = new Promise((resolve) => (release = resolve));
    await before;
    return { run, release };
  }

  return {
    acquire,
    async run(statements, options) {
      const session = await acquire();
      try {
        return await session.run(statements, options);
      } finally {
        session.release();
      }
    },
    async close() {
      if (isClosed) return;
      const exit = new Promise((resolve) => worker.once('exit', resolve));
      worker.postMessage('close');
      await exit;
    },
  };
}

/** Node's own recursive way never ends where the system says ENOENT although the parent is there, as /proc does. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}
