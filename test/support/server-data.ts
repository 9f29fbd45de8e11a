import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DatabaseBinaries, DatabaseKind } from './database-binaries.ts';
import { freePort } from './free-port.ts';
import { createServerHome, removeServerHome } from './server-homes.ts';
import { commonArgs, lastLogLines, launch, listenArgs, untilReady } from './server-process.ts';

const cacheDir = join(import.meta.dirname, '../../.cache');

/** Gives a new server its data folder: a copy of one that is kept, for to make one takes several times as long. */
export async function provideData(kind: DatabaseKind, binaries: DatabaseBinaries, home: string): Promise<void> {
  const kept = join(cacheDir, `data-${kind}-${binaries.version}`);
  if (!existsSync(kept)) await keepData(kind, binaries, kept);
  await cp(kept, join(home, 'data'), { recursive: true });
}

/** Makes a data folder, and has a server start on it once, which makes the keys of its own. */
async function keepData(kind: DatabaseKind, binaries: DatabaseBinaries, kept: string): Promise<void> {
  const home = createServerHome(kind);
  const copy = `${kept}.${basename(home)}`;
  try {
    await initialise(kind, binaries, home);
    const port = await freePort();
    const server = launch(binaries, home, [...commonArgs(kind, home), ...listenArgs(home, port)]);
    await untilReady(server, home, port);
    await server.end('SIGTERM');
    await cp(join(home, 'data'), copy, { recursive: true });
    // Else every server would be the same one to others.
    await rm(join(copy, 'auto.cnf'), { force: true });
    // Where another process was quicker, its folder holds the same.
    await rename(copy, kept).catch(() => rm(copy, { recursive: true }));
  } finally {
    removeServerHome(home);
  }
}

/** Makes the data folder, with a root@localhost that needs no password over TCP. */
async function initialise(kind: DatabaseKind, binaries: DatabaseBinaries, home: string): Promise<void> {
  await mkdir(join(home, 'data'));
  const common = commonArgs(kind, home);
  const run =
    kind === 'mysql'
      ? launch(binaries, home, [...common, '--initialize-insecure'])
      : launch(binaries, home, [...common, '--bootstrap'], await mariadbSystemTables(binaries.prefix));
  const exitCode = await run.ended;
  if (exitCode !== 0) throw new Error(`${kind} could not make its data folder:\n${await lastLogLines(home)}`);
}

/** What mariadb-install-db sends. The script itself would run the host's loader, which does not fit fetched binaries. */
async function mariadbSystemTables(prefix: string): Promise<string> {
  const scripts = ['system_tables', 'performance_tables', 'system_tables_data', 'sys_schema'];
  for (const folder of ['share/mysql', 'share/mariadb', 'share'].map((path) => join(prefix, path))) {
    const files = await readdir(folder).catch(() => []);
    const named = scripts.map((script) =>
      files.find((file) => /^(mysql|mariadb)_(.*)\.sql$/.exec(file)?.[2] === script),
    );
    if (named.includes(undefined)) continue;
    const parts = await Promise.all(named.map((file) => readFile(join(folder, file ?? ''), 'utf8')));
    // @auth_root_socket NULL: root by password (none) rather than by Unix socket.
    return ['CREATE DATABASE mysql;', 'USE mysql;', 'SET @auth_root_socket=NULL;', ...parts].join('\n');
  }
  throw new Error(`No SQL scripts for MariaDB's system tables under ${prefix}/share`);
}
