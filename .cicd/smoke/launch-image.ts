import { execFile, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { copyOf, type Environment, type Launch } from './copy.ts';

/** What the image says about itself, under the names that Docker's format gives it. */
interface ImageConfig {
  Cmd: string[];
  User: string;
  Healthcheck: { Test: string[] };
}

/** How long the process of a container takes to appear. */
const APPEARS_WITHIN_MS = 10_000;
const VARIABLES = { BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: process.env.STORAGE_DRIVER ?? 'vfs' };

/** Copies of the image, on the network of this host: by Docker where an engine answers, else by buildah (as root). */
export async function launchImage(image: string): Promise<Launch> {
  const hasDocker = await run('docker', ['info']).then(
    () => true,
    () => false,
  );
  return hasDocker ? launchByDocker(image) : launchByBuildah(image);
}

async function launchByDocker(image: string): Promise<Launch> {
  const config = JSON.parse(await run('docker', ['image', 'inspect', '-f', '{{json .Config}}', image])) as ImageConfig;
  refuseRoot(config);
  return (environment) => {
    const name = `punctual-smoke-${randomUUID()}`;
    const args = ['run', '--rm', '--name', name, '--network', 'host', ...toFlags(environment), image];
    return Promise.resolve(
      copyOf('docker', args, {
        environment: hostEnvironment(),
        signal: (signal) => run('docker', ['kill', `--signal=${signal}`, name]),
        isHealthy: () => succeeds('docker', ['exec', name, ...healthCommand(config)]),
      }),
    );
  };
}

/** `buildah run` takes everything but the command from the image, runs no health check, and passes no signal on. */
async function launchByBuildah(image: string): Promise<Launch> {
  const told = await run('buildah', ['inspect', '--type', 'image', image]);
  const { config } = (JSON.parse(told) as { Docker: { config: ImageConfig } }).Docker;
  refuseRoot(config);
  return async (environment) => {
    const container = (await run('buildah', ['from', '--pull-never', image])).trim();
    const within = (command: string[]) => ['run', ...toFlags(environment), container, '--', ...command];
    return copyOf('buildah', within(config.Cmd), {
      environment: hostEnvironment(),
      signal: async (signal, child) => {
        const pid = await pidOfService(child, config.Cmd);
        if (pid !== undefined) process.kill(pid, signal);
      },
      isHealthy: () => succeeds('buildah', within(healthCommand(config))),
      remove: () => run('buildah', ['rm', container]),
    });
  };
}

function refuseRoot({ User }: ImageConfig): void {
  if (['', '0', 'root'].includes(User)) throw new Error('The image would run as root.');
}

const healthCommand = ({ Healthcheck }: ImageConfig) => Healthcheck.Test.slice(1);

const toFlags = (environment: Environment) =>
  Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]);

/** Among what the child has started, the process that runs the image's command; none when it has ended. */
async function pidOfService(child: ChildProcess, command: string[]): Promise<number | undefined> {
  const giveUpAt = Date.now() + APPEARS_WITHIN_MS;
  while (child.exitCode === null && Date.now() < giveUpAt) {
    for (const pid of descendants(child.pid, await processes())) {
      const [program = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      // Buildah runs the program by its path.
      if ([basename(program), ...args.slice(0, -1)].join('\0') === command.join('\0')) return pid;
    }
    await delay(50);
  }
  if (child.exitCode === null) throw new Error(`No process runs ${command.join(' ')} in the container.`);
  return undefined;
}

interface Process {
  pid: number;
  parent: number;
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  return Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      return { pid, parent: Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]) };
    }),
  );
}

const descendants = (of: number | undefined, all: Process[]): number[] =>
  all.filter(({ parent }) => parent === of).flatMap(({ pid }) => [pid, ...descendants(pid, all)]);

const hostEnvironment = () => ({ ...process.env, ...VARIABLES }) as Environment;

const run = async (command: string, args: string[]): Promise<string> =>
  (await promisify(execFile)(command, args, { env: hostEnvironment() })).stdout;

const succeeds = (command: string, args: string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );
