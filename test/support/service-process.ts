import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { startArguments } from './start-command.ts';

const root = join(import.meta.dirname, '../..');
const READY_WITHIN_MS = 30_000;
const POLL_MS = 20;
const STORY_LINES = 25;

/** The shortest lease that the configuration allows: what a replica held is free for others soon after it has died. */
export const SHORT_LEASE = { LOOKAHEAD_MS: '1000', WEBHOOK_TIMEOUT_MS: '1000', LEASE_MS: '7000' };
export const SHORT_LEASE_MS = Number(SHORT_LEASE.LEASE_MS);

/** One line of the service's log: `msg` is the event. */
export type LogLine = Record<string, unknown> & { msg: string; time: string };

/** A real replica in a process of its own. It keeps its port over restarts. */
export interface Replica {
  name: string;
  url: string;
  readonly pid: number;
  /** Everything that it has logged, over all its lives. It gathers lines for up to a second, and loses those in a crash. */
  log: LogLine[];
  count(event: string): number;
  /** Starts it, also again. Resolves when `/ready` says so. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone, with the instant just before the signal. */
  kill(): Promise<number>;
  /** SIGTERM; resolves when it is gone. */
  terminate(): Promise<{ exitCode: number | null; tookMs: number }>;
  /** Takes the processor away from it; resolves when every thread of it stands. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Resident memory, bytes. */
  residentBytes(): number;
  /** What it last said besides what it sent, for the reader of a failure. */
  story(): string;
}

export async function createReplica(deps: {
  name: string;
  env: Record<string, string>;
  /** A module loaded before the service, to break it on purpose. */
  preload?: string;
}): Promise<Replica> {
  const { name, preload } = deps;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // Nothing before it has to notice that it stops, but where a test says so.
  const env = { DRAIN_MS: '0', ...deps.env, PORT: String(port) };
  const log: LogLine[] = [];
  const lastLines: string[] = [];
  let child: ChildProcess | undefined;

  const running = (): ChildProcess & { pid: number } => {
    if (child?.pid === undefined) throw new Error(`${name} has not been started.`);
    return child as ChildProcess & { pid: number };
  };
  const hasEnded = () => child === undefined || child.exitCode !== null || child.signalCode !== null;
  const signal = (which: NodeJS.Signals) => {
    if (!hasEnded()) running().kill(which);
  };
  const tell = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > STORY_LINES) lastLines.shift();
  };
  const read = (line: string) => {
    const event = line.startsWith('{') ? (JSON.parse(line) as LogLine) : undefined;
    if (event !== undefined) log.push(event);
    if (event?.msg !== 'timer.fired') tell(line);
  };
  const story = () => `--- ${name} (${url}) last said:\n${lastLines.join('\n')}`;

  async function gone(): Promise<void> {
    if (hasEnded()) return;
    // "close" comes after the last line was read.
    await once(running(), 'close');
  }

  return {
    name,
    url,
    log,
    get pid() {
      return running().pid;
    },
    count: (event) => log.filter(({ msg }) => msg === event).length,
    async start() {
      if (!hasEnded()) throw new Error(`${name} runs already.`);
      child = spawnService(env, preload);
      for (const stream of [child.stdout, child.stderr])
        if (stream) createInterface({ input: stream }).on('line', read);
      const giveUpAt = performance.now() + READY_WITHIN_MS;
      while (!(await isReady(url))) {
        if (hasEnded()) throw new Error(`${name} ended while it started.\n${story()}`);
        if (performance.now() > giveUpAt) throw new Error(`${name} did not get ready.\n${story()}`);
        await delay(POLL_MS);
      }
    },
    async kill() {
      const at = Date.now();
      signal('SIGKILL');
      await gone();
      tell(`(SIGKILL at ${new Date(at).toISOString()})`);
      return at;
    },
    async terminate() {
      const startedAt = performance.now();
      signal('SIGTERM');
      await gone();
      return { exitCode: running().exitCode, tookMs: performance.now() - startedAt };
    },
    async freeze() {
      signal('SIGSTOP');
      while (threadStates(running().pid).some((state) => !'TtZ'.includes(state))) await delay(1);
    },
    thaw: () => signal('SIGCONT'),
    residentBytes: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(procStatus(running().pid))?.[1]) * 1024,
    story,
  };
}

/** Runs the service where it is expected to end by itself; one that does not is ended and has no exit code. */
export async function runService(
  env: Record<string, string>,
  { withinMs = 20_000, preload }: { withinMs?: number; preload?: string } = {},
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const child = spawnService(env, preload);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const tooLong = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await once(child, 'close');
  clearTimeout(tooLong);
  return { exitCode: child.exitCode, stdout, stderr };
}

/**
 * The kernel ends the service when its parent dies, however that comes about: jest's sandboxed `process` fires no exit
 * events, and a killed one fires none anyway. `setpriv` replaces itself by node, so the pid is the service's own. Only the
 * variables given are set; those of whoever runs the tests must not reach the service.
 */
function spawnService(env: Record<string, string>, preload?: string): ChildProcess {
  const node = [process.execPath, ...(preload === undefined ? [] : ['--import', preload]), ...startArguments];
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...node], { env, cwd: root, stdio });
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

function threadStates(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map(
    (thread) => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))?.[1] ?? '?',
  );
}

const procStatus = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');

/** Below the range from which outgoing connections take theirs: a port must still be free when its replica comes back. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}
