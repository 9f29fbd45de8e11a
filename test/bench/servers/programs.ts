import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findAll } from '../../support/database-binaries.ts';
import { fetchDebianPackages, hostSuite } from '../../../.cicd/debian-packages.ts';

export interface ServerPrograms {
  /** Holds the programs. */
  folder: string;
  /** What they need to find their libraries. */
  env: NodeJS.ProcessEnv;
  /** For people. */
  origin: string;
}

const cacheDir = join(import.meta.dirname, '../../../.cache');
/** The host's own, since what is fetched comes from the host's own release; and what no server needs. */
const LEFT_OUT = [
  'libc6',
  'libc-bin',
  'adduser',
  'lsb-base',
  'postgresql-common',
  'postgresql-client-common',
  'locales',
];

/** Where there is a program of this name: on the PATH, in one of Debian's own folders, or fetched into .cache. */
export async function findPrograms(program: string, debianPackage: string): Promise<ServerPrograms> {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', ...(await debianFolders('/'))]) {
    if (!existsSync(join(folder, program))) continue;
    const found = dirname(await realpath(join(folder, program)));
    return { folder: found, env: process.env, origin: found };
  }
  const suite = await hostSuite();
  const root = await fetchDebianPackages({
    name: program,
    suite,
    packages: [debianPackage],
    leaveOut: LEFT_OUT,
    cacheDir,
  });
  for (const folder of [join(root, 'usr/bin'), join(root, 'usr/sbin'), ...(await debianFolders(root))]) {
    if (!existsSync(join(folder, program))) continue;
    const libraries = await findAll(root, '{usr/lib,lib}/*-linux-gnu*');
    const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(':') };
    return { folder, env, origin: `Debian ${suite}, fetched into .cache` };
  }
  throw new Error(`${root} holds no ${program}; delete it to have it fetched again`);
}

/** PostgreSQL's programs stand in a folder per version that is on nobody's PATH. */
const debianFolders = (root: string): Promise<string[]> => findAll(root, 'usr/lib/postgresql/*/bin');
