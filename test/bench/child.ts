import { fork } from 'node:child_process';
import { once } from 'node:events';

/** A process that answers questions, one at a time. */
export interface Child<Q> {
  pid: number;
  /** What it says of its own accord. */
  next<T>(): Promise<T>;
  ask<T>(question: Q): Promise<T>;
  stop(): void;
}

export function startChild<Q>(
  module: URL,
  { execArgv = ['--disable-warning=ExperimentalWarning'], env }: { execArgv?: string[]; env?: NodeJS.ProcessEnv } = {},
): Child<Q> {
  const child = fork(module, { serialization: 'advanced', execArgv, ...(env === undefined ? {} : { env }) });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${module.href} could not be started.`);
  const ended = once(child, 'exit').then(([code]) => code as number | null);

  async function next<T>(): Promise<T> {
    const waiting = new AbortController();
    const answered = once(child, 'message', { signal: waiting.signal }).catch(() => []);
    const [answer] = await Promise.race([
      answered as Promise<[T]>,
      ended.then((code): never => {
        throw new Error(`${module.pathname.split('/').at(-1)} ended with ${code}.`);
      }),
    ]).finally(() => waiting.abort());
    return answer;
  }

  return {
    pid,
    next,
    async ask(question) {
      const answer = next();
      child.send(question as object);
      return (await answer) as never;
    },
    stop: () => child.kill(),
  };
}
