import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchDebianPackages, hostSuite } from '../../.cicd/debian-packages.ts';

export interface ChromiumBinary {
  /** Where it was found, for people. */
  origin: string;
  command: string;
  /** What its environment must hold beside what is there already. */
  env: Record<string, string>;
}

const cacheDir = join(import.meta.dirname, '../../.cache');
const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chromium-headless-shell'];
const remedy =
  'Install Chromium so that it is on the PATH (Debian: apt-get install chromium), or name its binary in CHROMIUM_BIN.';

/** The browser that CHROMIUM_BIN names, else one on the PATH, else one fetched from Debian into `.cache`. */
export async function findChromiumBinary(): Promise<ChromiumBinary> {
  const given = process.env.CHROMIUM_BIN;
  if (given) {
    if (await runs(given)) return { origin: 'CHROMIUM_BIN', command: given, env: {} };
    throw new Error(`CHROMIUM_BIN names ${given}, which does not run as a browser.`);
  }
  return (await findInstalled()) ?? (await fetchBinary());
}

async function findInstalled(): Promise<ChromiumBinary | undefined> {
  const folders = (process.env.PATH ?? '').split(':');
  for (const command of folders.flatMap((folder) => programs.map((program) => join(folder, program)))) {
    if (existsSync(command) && (await runs(command))) return { origin: command, command, env: {} };
  }
  return undefined;
}

/** Some of these are only scripts that tell how to get the browser. */
const runs = (command: string): Promise<boolean> =>
  promisify(execFile)(command, ['--version']).then(
    () => true,
    () => false,
  );

async function fetchBinary(): Promise<ChromiumBinary> {
  try {
    const suite = await hostSuite();
    // Chromium starts itself anew for every tab, so it has to go with the host's loader, and with the libc of that:
    // of the same suite, and always there. The others are for a desktop, and bring all of OpenGL.
    const leaveOut = ['libc6', 'x11-utils', 'xdg-utils'];
    const packages = ['chromium-headless-shell'];
    const root = await fetchDebianPackages({ name: 'chromium', suite, packages, leaveOut, cacheDir });
    // PulseAudio's own library lies apart, where its other one looks by absolute path.
    const pattern = '{usr/lib,lib}/*-linux-gnu*{,/pulseaudio}';
    const libraries: string[] = [];
    for await (const folder of glob(pattern, { cwd: root })) libraries.push(join(root, folder));
    return {
      origin: `Debian ${suite}, fetched into .cache`,
      command: join(root, 'usr/lib/chromium/chromium-headless-shell'),
      env: {
        LD_LIBRARY_PATH: libraries.join(':'),
        // Fonts are looked up in XDG_DATA_HOME; below a FONTCONFIG_SYSROOT, Chromium itself would not find them.
        FONTCONFIG_FILE: join(import.meta.dirname, 'fonts.conf'),
        XDG_DATA_HOME: join(root, 'usr/share'),
      },
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`There is no Chromium here. ${reason}\n${remedy}`, { cause: error });
  }
}
