import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchDebianPackages } from '../debian-packages.ts';

export interface Nginx extends AsyncDisposable {
  log(): Promise<string>;
}

/** What the template leaves open; docker-compose.yml sets the same. */
export interface NginxSettings {
  LISTEN: string;
  REPLICAS: string;
  RESOLVER: string;
}

interface Program {
  command: string;
  leadingArgs: string[];
}

const TEMPLATE = join(import.meta.dirname, '../nginx.conf.template');
const CACHE = join(import.meta.dirname, '../../.cache');
/** The first whose `resolve` is not for paying customers only. */
const OLDEST = [1, 27, 3];
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Debian's nginx with the configuration that docker-compose.yml mounts, in the foreground and without any privilege. */
export async function startNginx(settings: NginxSettings): Promise<Nginx> {
  const { command, leadingArgs } = (await findInstalled()) ?? (await fetchNginx());
  const home = await mkdtemp(join(tmpdir(), 'punctual-nginx-'));
  const logFile = join(home, 'error.log');
  await writeFile(join(home, 'punctual.conf'), fillIn(await readFile(TEMPLATE, 'utf8'), settings));
  await writeFile(join(home, 'nginx.conf'), surroundings(home));
  const args = ['-p', home, '-e', logFile, '-c', join(home, 'nginx.conf')];
  const child = spawn(command, [...leadingArgs, ...args], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  return {
    log: () => readFile(logFile, 'utf8').catch(() => ''),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** What the official image's start script does with a template: only the variables that are set are replaced. */
const fillIn = (template: string, settings: NginxSettings) =>
  Object.entries(settings).reduce(
    (text, [name, value]) => text.replaceAll(`\${${name}}`, () => String(value)),
    template,
  );

/** What the official image's own nginx.conf does around it. */
const surroundings = (home: string) => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 2;
pid ${home}/pid;
error_log ${home}/error.log notice;
events {}
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name}_temp_path ${home}/${name};`).join('\n  ')}
  include ${home}/punctual.conf;
}
`;

async function findInstalled(): Promise<Program | undefined> {
  // Installed in /usr/sbin, which only root has on the PATH.
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin']) {
    const command = join(folder, 'nginx');
    if (existsSync(command) && (await isRecent({ command, leadingArgs: [] }))) return { command, leadingArgs: [] };
  }
  return undefined;
}

/** From sid, which has it recent enough; it runs on any older host with the libraries and the loader it comes with. */
async function fetchNginx(): Promise<Program> {
  const root = await fetchDebianPackages({ name: 'nginx', suite: 'sid', packages: ['nginx'], cacheDir: CACHE });
  const find = async (pattern: string) => {
    const paths: string[] = [];
    for await (const path of glob(pattern, { cwd: root })) paths.push(join(root, path));
    if (paths.length === 0) throw new Error(`${root} holds no ${pattern}; delete it to have it fetched again`);
    return paths;
  };
  const [loader = ''] = await find('{usr/lib,lib}/*-linux-gnu*/ld-linux*.so.*');
  const libraries = await find('{usr/lib,lib}/*-linux-gnu*');
  const program = {
    command: loader,
    leadingArgs: ['--library-path', libraries.join(':'), join(root, 'usr/sbin/nginx')],
  };
  if (!(await isRecent(program)))
    throw new Error(`nginx of Debian sid is older than ${OLDEST.join('.')}, or does not run`);
  return program;
}

async function isRecent({ command, leadingArgs }: Program): Promise<boolean> {
  const told = await promisify(execFile)(command, [...leadingArgs, '-v']).then(
    ({ stderr }) => stderr,
    () => '',
  );
  const version = /nginx\/(\d+)\.(\d+)\.(\d+)/.exec(told)?.slice(1).map(Number);
  if (version === undefined) return false;
  const differing = version.findIndex((part, index) => part !== OLDEST[index]);
  return differing === -1 || (version[differing] ?? 0) > (OLDEST[differing] ?? 0);
}
