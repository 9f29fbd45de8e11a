import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { recordServerPid } from '../../support/server-homes.ts';

/** A database server of a peer, with data of its own that go with it. */
export interface PeerServer extends AsyncDisposable {
  /** What it is and how it keeps what it is told, for people. */
  description: string;
  url: string;
  pid: number;
}

export interface Program {
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** Who it runs as, where that is to be another than we. */
  user?: { uid: number; gid: number };
}

const READY_POLL_MS = 50;
const READY_WITHIN_MS = 30_000;

/** Starts it with its output in the home's log, and resolves when it answers. `end` resolves when it is gone. */
export async function startProgram(
  home: string,
  { command, args, env = process.env, user }: Program,
  answers: () => Promise<boolean>,
): Promise<{ pid: number; end: (signal: NodeJS.Signals) => Promise<void> }> {
  const log = openSync(join(home, 'log'), 'a');
  const child = spawn(command, args, { env, stdio: ['ignore', log, log], cwd: home, ...user });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} could not be started.`);
  recordServerPid(home, pid);
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}; see ${join(home, 'log')}.`);
    if (performance.now() > deadline) throw new Error(`${command} does not answer; see ${join(home, 'log')}.`);
    await delay(READY_POLL_MS);
  }
  return {
    pid,
    async end(signal) {
      if (child.exitCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}
