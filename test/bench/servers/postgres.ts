import { execFile } from 'node:child_process';
import { chownSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../support/free-port.ts';
import { createServerHome, removeServerHome } from '../../support/server-homes.ts';
import { POOL_SIZE } from '../bench.ts';
import { findPrograms, type ServerPrograms } from './programs.ts';
import { startProgram, type PeerServer } from './server-process.ts';

const run = promisify(execFile);

/** PostgreSQL refuses to run as root; then it runs as the one who owns nothing. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** PostgreSQL that has what it commits on disk, and as much memory for pages as the MySQL beside it. */
export async function startPostgres(): Promise<PeerServer> {
  const home = createServerHome('postgres');
  const user = process.getuid?.() === 0 ? NOBODY : undefined;
  const programs = within(home, await findPrograms('postgres', 'postgresql'), user !== undefined);
  const { folder, env } = programs;
  const options = { env, cwd: home, ...user };
  const data = join(home, 'data');
  mkdirSync(data);
  if (user !== undefined) for (const path of [home, data]) chownSync(path, user.uid, user.gid);
  await run(
    join(folder, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale'],
    options,
  );
  const { stdout } = await run(join(folder, 'postgres'), ['--version'], options);

  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    max_connections: '200',
    shared_buffers: `${POOL_SIZE}B`,
  };
  const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const command = join(folder, 'postgres');
  const { pid, end } = await startProgram(home, { command, args, env, ...(user && { user }) }, () =>
    run(join(folder, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)], options).then(
      () => true,
      () => false,
    ),
  );
  return {
    description: `PostgreSQL ${/[\d.]+/.exec(stdout)?.[0] ?? ''}, synchronous_commit on`,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    pid,
    async [Symbol.asyncDispose]() {
      // The fast way to stop: it breaks off its sessions.
      await end('SIGINT');
      removeServerHome(home);
    },
  };
}

/** What was fetched may stand where only root may look, so another user gets a copy of it. */
function within(home: string, programs: ServerPrograms, forOther: boolean): ServerPrograms {
  if (!forOther || !programs.origin.includes('fetched')) return programs;
  const root = programs.folder.slice(0, programs.folder.indexOf('/usr/lib/postgresql'));
  const copy = join(home, 'programs');
  cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
  return {
    ...programs,
    folder: programs.folder.replace(root, copy),
    env: { ...programs.env, LD_LIBRARY_PATH: programs.env.LD_LIBRARY_PATH?.replaceAll(root, copy) },
  };
}
