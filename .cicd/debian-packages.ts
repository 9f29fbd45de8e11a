import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

export interface DebianPackageSet {
  /** Prefix of the folder's name, for people. */
  name: string;
  /** Release to take the packages from: `sid`, `bookworm`, … */
  suite: string;
  packages: string[];
  /** Count as installed: they stay away, and so does what nothing but they would need. */
  leaveOut?: string[];
  /** Kept between runs; one folder per set. */
  cacheDir: string;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const OTHER_NAMES_OF_SUITES = ['stable', 'oldstable', 'testing', 'unstable', 'sid'];
/** A folder of an unfinished fetch is nobody's any more after this. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/**
 * Unpacks Debian packages, with all they depend on, into one folder and returns its path. Needs neither root nor a
 * service and leaves the system's apt and dpkg state alone: apt works in a root of its own. The folder is complete as
 * soon as it exists, and is used again by the next call for the same.
 */
export async function fetchDebianPackages({
  name,
  suite,
  packages,
  leaveOut = [],
  cacheDir,
}: DebianPackageSet): Promise<string> {
  const wanted = JSON.stringify([suite, packages, process.arch, ...leaveOut]);
  const folder = resolve(cacheDir, `${name}-${createHash('sha256').update(wanted).digest('hex').slice(0, 8)}`);
  if (existsSync(folder)) return folder;

  await mkdir(cacheDir, { recursive: true });
  await removeAbandoned(cacheDir);
  const workDir = resolve(cacheDir, `.fetching-${name}-${randomUUID()}`);
  try {
    await download(workDir, suite, packages, leaveOut);
    await unpack(join(workDir, 'archives'), join(workDir, 'files'));
    await publish(join(workDir, 'files'), folder);
    return folder;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Could not fetch ${packages.join(', ')} from Debian ${suite}: ${reason}`, { cause: error });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** Code name of the release this host runs; the packages of that suite fit its kernel and its mirror for sure. */
export async function hostSuite(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME="?([\w-]+)"?$/m.exec(release)?.[1];
  if (codename === undefined) throw new Error('/etc/os-release names no VERSION_CODENAME: this is no Debian-like host');
  return codename;
}

async function download(root: string, suite: string, packages: string[], leaveOut: string[]): Promise<void> {
  await mkdir(join(root, 'lists/partial'), { recursive: true });
  await mkdir(join(root, 'archives/partial'), { recursive: true });
  // Nothing else counts as installed, so every other dependency comes along, down to libc.
  await writeFile(join(root, 'status'), leaveOut.map(installedEntry).join('\n'));
  const trust = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
  await writeFile(join(root, 'sources.list'), `deb ${trust}${await hostMirror()} ${suite} main\n`);
  await writeFile(join(root, 'apt.conf'), aptConfig(root));

  const apt = (...args: string[]) => run('apt-get', ['-c', join(root, 'apt.conf'), '-q', '-y', ...args]);
  await apt('update', '--error-on=any');
  await apt('--download-only', 'install', ...packages);
}

/** What dpkg's status file says of a package; the version is newer than any that another package may ask for. */
const installedEntry = (name: string) => `Package: ${name}
Status: install ok installed
Version: 9999
Architecture: all
Multi-Arch: foreign
`;

/** Read after the host's own configuration, whose proxies and credentials for the mirror stay in force. */
const aptConfig = (root: string) => `
// Hooks tidy up the system's own cache, and fail for those who are not root.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
Dir::State "${root}";
Dir::State::lists "${root}/lists";
Dir::State::status "${root}/status";
Dir::Cache "${root}";
Dir::Cache::archives "${root}/archives";
Dir::Etc::sourcelist "${root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
// Names the user to become for the download; root means to stay who we are, as the folder may be closed to _apt.
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
`;

/** Where this host gets Debian from. The security and third-party archives beside it do not carry every suite. */
async function hostMirror(): Promise<string> {
  // Told from the sources alone, so it holds for a host that never ran `apt-get update` too.
  const told = await run('apt-get', ['-q', '--print-uris', 'update']);
  const repositories = [...told.matchAll(/^'(\S+)\/dists\/(\S+)\/InRelease'/gm)];
  const names = [await hostSuite(), ...OTHER_NAMES_OF_SUITES];
  const mirror = repositories.find(([, , suite = '']) => names.includes(suite))?.[1];
  if (mirror === undefined) throw new Error(`apt knows no mirror that carries one of ${names.join(', ')}`);
  return mirror;
}

async function unpack(archives: string, folder: string): Promise<void> {
  await mkdir(folder);
  const debs = (await readdir(archives)).filter((file) => file.endsWith('.deb'));
  for (const deb of debs) await run('dpkg', ['-x', join(archives, deb), folder]);
}

async function publish(files: string, folder: string): Promise<void> {
  try {
    await rename(files, folder);
  } catch (error) {
    // Another process was quicker; its folder holds the same.
    if (!existsSync(folder)) throw error;
  }
}

async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const entry of await readdir(cacheDir)) {
    if (!entry.startsWith('.fetching-')) continue;
    const path = join(cacheDir, entry);
    const changedAt = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    );
    if (Date.now() - changedAt > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

async function run(command: string, args: string[]): Promise<string> {
  try {
    const options = { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 64 * 1024 * 1024 };
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT')
      throw new Error(`${command} is not on this host; it takes a Debian-like one`, { cause: error });
    const said = stderr
      .split('\n')
      .filter((line) => /^[EW]:|error/i.test(line))
      .slice(0, 5);
    throw new Error(`${command} ${args.slice(-3).join(' ')}: ${said.join(' ') || stderr.trim()}`, { cause: error });
  }
}
