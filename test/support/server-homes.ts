import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Every private server has a folder of its own, which tells whose it is: the process that runs the tests (workers come
 * and go, and jest gives test files a `process` whose exit events never fire). By this, servers are ended when that
 * process ends, and those of a process that could not do so are ended by the next one.
 */
const PREFIX = 'punctual-';
const MEMORY = '/dev/shm';
/** Several times what the servers of a run take. */
const ENOUGH_BYTES = 6 * 2 ** 30;
let watching = false;

/**
 * Where servers keep their data from now on: in memory, where there is plenty. A killed server loses none of it there, no
 * more than of what the system has not yet brought to a disk, and nobody waits for that disk.
 */
export function keepServersInMemory(): void {
  if (!existsSync(MEMORY)) return;
  const { bavail, bsize } = statfsSync(MEMORY);
  if (bavail * bsize >= ENOUGH_BYTES && freemem() >= ENOUGH_BYTES) process.env.TEST_SERVERS_IN = MEMORY;
}

const ownerPid = () => Number(process.env.TEST_RUN_PID ?? process.pid);

export function createServerHome(kind: string): string {
  if (!watching && ownerPid() === process.pid) endServersWithThisProcess();
  const home = realpathSync(mkdtempSync(join(process.env.TEST_SERVERS_IN ?? tmpdir(), `${PREFIX}${kind}-`)));
  writeFileSync(join(home, 'owner'), String(ownerPid()));
  return home;
}

export function recordServerPid(home: string, pid: number): void {
  writeFileSync(join(home, 'server'), String(pid));
}

export function removeServerHome(home: string): void {
  // A server that has just been killed may still be finishing a write.
  rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** Ends the servers of this process, and those whose owner is gone, with all their data. */
export function endServers(): void {
  for (const home of [tmpdir(), MEMORY].flatMap(homesIn)) {
    const owner = readPid(home, 'owner');
    if (owner === undefined || (owner !== process.pid && isAlive(owner))) continue;
    const server = readPid(home, 'server');
    // Pids are used again: only a process that was started with this very data folder is the one we mean.
    if (server !== undefined && commandLine(server).includes(home)) process.kill(server, 'SIGKILL');
    removeServerHome(home);
  }
}

function homesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder).filter((entry) => entry.startsWith(PREFIX));
  return entries.map((entry) => join(realpathSync(folder), entry));
}

function endServersWithThisProcess(): void {
  watching = true;
  process.once('exit', endServers);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endServers();
      process.kill(process.pid, signal);
    });
  }
}

function readPid(home: string, file: string): number | undefined {
  try {
    return Number(readFileSync(join(home, file), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
