import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startChild } from './child.ts';

export type PeerName = 'bullmq' | 'graphile-worker' | 'pg-boss';

type PeerOrder =
  | { start: { module: string; serverUrl: string; hookUrl: string } }
  | { schedule: { id: string; dueAt: number }[] }
  | { stop: true };

export interface Peer extends AsyncDisposable {
  pid: number;
  /** Resolves when all of them are stored. */
  schedule(timers: { id: string; dueAt: number }[]): Promise<void>;
}

const folder = join(import.meta.dirname, 'peers');

export async function startPeer(name: PeerName, to: { serverUrl: string; hookUrl: string }): Promise<Peer> {
  await installPeers();
  const child = startChild<PeerOrder>(new URL('./peers/peer-process.js', import.meta.url));
  await child.next();
  await child.ask({ start: { module: `./${name}.js`, ...to } });
  return {
    pid: child.pid,
    schedule: (timers) => child.ask({ schedule: timers }),
    async [Symbol.asyncDispose]() {
      await child.ask({ stop: true });
      child.stop();
    },
  };
}

/** The peers are no dependency of ours, so they come only with the first benchmark. */
async function installPeers(): Promise<void> {
  if (existsSync(join(folder, 'node_modules'))) return;
  await promisify(execFile)('npm', ['ci'], { cwd: folder });
}
