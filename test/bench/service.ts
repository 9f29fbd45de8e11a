import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startArguments } from '../support/start-command.ts';

/** For the first pass. */
const READY_WITHIN_MS = 10_000;

export interface BenchService extends AsyncDisposable {
  url: string;
  pid: number;
  /** Ends it cleanly. */
  stop(): Promise<void>;
}

/**
 * The service as anyone runs it: no variable set but the database (and a free port). Rejects where its database would lose
 * commits in a crash. With `profiles`, it leaves a CPU profile in that folder when it is stopped.
 */
export async function startService(
  databaseUrl: string,
  { env = {}, profiles }: { env?: Record<string, string>; profiles?: string | undefined } = {},
): Promise<BenchService> {
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const child = spawn(process.execPath, [...profiling, ...startArguments], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { PATH: process.env.PATH, PORT: '0', DATABASE_URL: databaseUrl, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('The service did not start.');
  const killed = () => void child.kill('SIGKILL');
  process.once('exit', killed);
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The service ended with ${code}.`)));
    child.stdout.on('data', (chunk: Buffer) => {
      const match = /"api":"(http[^"]*)\/timers"/.exec(chunk.toString());
      if (match?.[1] !== undefined) resolve(match[1]);
    });
  });

  const stop = async () => {
    process.off('exit', killed);
    if (child.exitCode !== null || child.signalCode !== null) return;
    // As by Ctrl-C: nobody has to notice that it stops.
    child.kill('SIGINT');
    await once(child, 'exit');
  };
  await assertDurable(url).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, pid, stop, [Symbol.asyncDispose]: stop };
}

/** What the service itself says of its database: on MySQL the flushing of both logs, on SQLite `synchronous`. */
async function assertDurable(url: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`${url}/ready?verbose`);
    const { weaknesses, reasons } = (await answer.json()) as {
      reasons: string[];
      weaknesses?: { name: string; detail: string }[];
    };
    if (weaknesses?.length === 0) return;
    if (weaknesses !== undefined) throw new Error(weaknesses.map(({ detail }) => detail).join(' '));
    if (performance.now() > deadline) throw new Error(`The service is not ready: ${reasons.join('; ')}`);
    await delay(10);
  }
}
