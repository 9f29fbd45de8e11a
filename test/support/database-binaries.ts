import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fetchDebianPackages, hostSuite } from '../../.cicd/debian-packages.ts';

export type DatabaseKind = 'mysql' | 'mariadb';

export interface DatabaseBinaries {
  version: string;
  /** Where it was found, for people. */
  origin: string;
  /** How to start the server: a program, and the arguments that always come first. */
  command: string;
  leadingArgs: string[];
  /** The folder that holds `sbin/` or `bin/`, and `share/`. */
  prefix: string;
}

const cacheDir = join(import.meta.dirname, '../../.cache');
const programs = { mysql: 'mysqld', mariadb: 'mariadbd' };
const oldestVersions = { mysql: [8, 4], mariadb: [10, 6] } as const;
// Only sid carries MySQL itself; libc comes with it, so it runs on any older host too.
const sources = {
  mysql: { suite: () => Promise.resolve('sid'), package: 'mysql-server-core' },
  mariadb: { suite: hostSuite, package: 'mariadb-server-core' },
};

export async function findDatabaseBinaries(kind: DatabaseKind): Promise<DatabaseBinaries> {
  return (await findInstalled(kind)) ?? (await fetchBinaries(kind));
}

/** The kind and version that a server program or a running server tells, if it is recent enough to test against. */
export function acceptedVersion(kind: DatabaseKind, told: string): string | undefined {
  const match = /(\d+)\.(\d+)\.\d+/.exec(told);
  if (match === null || /mariadb/i.test(told) !== (kind === 'mariadb')) return undefined;
  const [major, minor] = oldestVersions[kind];
  const accepted = Number(match[1]) > major || (Number(match[1]) === major && Number(match[2]) >= minor);
  return accepted ? match[0] : undefined;
}

async function findInstalled(kind: DatabaseKind): Promise<DatabaseBinaries | undefined> {
  // Servers are installed in /usr/sbin, which only root has on the PATH.
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin']) {
    const found = join(folder, programs[kind]);
    if (!existsSync(found)) continue;
    const command = await realpath(found);
    const leadingArgs = ['--no-defaults'];
    const version = acceptedVersion(kind, await output(command, [...leadingArgs, '--version']).catch(() => ''));
    if (version !== undefined) {
      return { version, origin: command, command, leadingArgs, prefix: dirname(dirname(command)) };
    }
  }
  return undefined;
}

async function fetchBinaries(kind: DatabaseKind): Promise<DatabaseBinaries> {
  const suite = await sources[kind].suite();
  const root = await fetchDebianPackages({ name: kind, suite, packages: [sources[kind].package], cacheDir });
  const prefix = join(root, 'usr');
  // The fetched libraries are the ones it was built with, and they go with the loader of their own libc only.
  const loader = await findOne(root, '{usr/lib,lib}/*-linux-gnu*/ld-linux*.so.*');
  const libraries = (await findAll(root, '{usr/lib,lib}/*-linux-gnu*')).join(':');
  const leadingArgs = ['--library-path', libraries, join(prefix, 'sbin', programs[kind]), '--no-defaults'];
  const told = await output(loader, [...leadingArgs, '--version']);
  const version = acceptedVersion(kind, told);
  if (version === undefined) throw new Error(`Debian ${suite} has a ${kind} that is too old to test against: ${told}`);

  const messages = dirname(dirname(await findOne(root, 'usr/share/{mysql,mariadb}/english/errmsg.sys')));
  const locations = [
    `--basedir=${prefix}`,
    `--lc-messages-dir=${messages}`,
    `--character-sets-dir=${join(messages, 'charsets')}`,
    `--plugin-dir=${join(prefix, 'lib/mysql/plugin')}`,
  ];
  const origin = `Debian ${suite}, fetched into .cache`;
  return { version, origin, command: loader, leadingArgs: [...leadingArgs, ...locations], prefix };
}

const output = async (command: string, args: string[]): Promise<string> =>
  (await promisify(execFile)(command, args)).stdout;

export async function findAll(root: string, pattern: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of glob(pattern, { cwd: root })) paths.push(join(root, path));
  return paths;
}

async function findOne(root: string, pattern: string): Promise<string> {
  const [path] = await findAll(root, pattern);
  if (path === undefined) throw new Error(`${root} holds no ${pattern}; delete it to have it fetched again`);
  return path;
}
