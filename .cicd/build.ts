import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/*
 * Compiles the service into dist/, or into the folder given, with everything it reads at run time; what it imports is
 * looked up from there, so the folder must have node_modules beside it or above. Starts with `node dist/src/start.js`.
 */
const ROOT = join(import.meta.dirname, '..');
const target = resolve(ROOT, process.argv[2] ?? 'dist');

// What a renamed or deleted source left behind would be shipped too.
rmSync(target, { recursive: true, force: true });

const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
const project = join(ROOT, 'tsconfig.build.json');
try {
  // It tells its errors on stdout; as those of a command they belong on stderr.
  execFileSync(process.execPath, [compiler, '-p', project, '--outDir', target], { stdio: ['ignore', 2, 2] });
} catch {
  process.exit(1);
}

cpSync(join(ROOT, 'migrations'), join(target, 'migrations'), { recursive: true });

// Redoc is a development dependency with a large tree of its own; the page needs this one file. Its licences go along.
const redoc = join(ROOT, 'node_modules/redoc');
const assets = join(target, 'src/api/assets');
mkdirSync(assets);
cpSync(join(redoc, 'bundles/redoc.standalone.js'), join(assets, 'redoc.standalone.js'));
cpSync(join(redoc, 'bundles/redoc.standalone.js.LICENSE.txt'), join(assets, 'redoc.standalone.js.LICENSE.txt'));
cpSync(join(redoc, 'LICENSE'), join(assets, 'redoc.LICENSE.txt'));
