import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startArguments } from '../support/start-command.ts';

export interface BenchService {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** The service as anyone runs it: no variable set but the database (and a free port). */
export async function startService(databaseUrl: string, env: Record<string, string> = {}): Promise<BenchService> {
  const child = spawn(process.execPath, startArguments, {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { PATH: process.env.PATH, PORT: '0', DATABASE_URL: databaseUrl, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('The service did not start.');
  process.once('exit', () => child.kill('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The service ended with ${code}.`)));
    child.stdout.on('data', (chunk: Buffer) => {
      const match = /"api":"(http[^"]*)\/timers"/.exec(chunk.toString());
      if (match?.[1] !== undefined) resolve(match[1]);
    });
  });
  return {
    url,
    pid,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
