import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export type Environment = Record<string, string>;

/** A running copy of the service. */
export interface Copy extends AsyncDisposable {
  /** As a crash. Resolves when it is gone. */
  kill(): Promise<void>;
  /** As an orchestrator ends it. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Whether the image's own health check passes; true where there is no image. */
  isHealthy(): Promise<boolean>;
  /** All that it has written. */
  output(): string;
}

/** Starts a copy with these variables and no others. */
export type Launch = (environment: Environment) => Promise<Copy>;

const STOP_TIMEOUT_MS = 40_000;

/** A copy as the process that stands for it here, and a way to signal the service itself. */
export function copyOf(
  command: string,
  args: string[],
  options: {
    environment?: Environment;
    signal?: (name: NodeJS.Signals, child: ChildProcess) => Promise<unknown>;
    isHealthy?: () => Promise<boolean>;
    remove?: () => Promise<unknown>;
  },
): Copy {
  const child = spawn(command, args, { env: options.environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  }
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const signal = options.signal ?? ((name) => Promise.resolve(child.kill(name)));

  const end = async (name: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) await signal(name, child);
    const stuck = setTimeout(() => void signal('SIGKILL', child), STOP_TIMEOUT_MS);
    const code = await ended;
    clearTimeout(stuck);
    return code;
  };
  return {
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
    isHealthy: options.isHealthy ?? (() => Promise.resolve(true)),
    output: () => output.join(''),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
      await options.remove?.();
    },
  };
}
