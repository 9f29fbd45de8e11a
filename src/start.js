// What is run, in plain JavaScript: a Node too old for the rest would complain of it in words of its own.
import nodeModule from 'node:module';
import { join } from 'node:path';
import process from 'node:process';

const LEAST_NODE = 24;

if (Number(process.versions.node.split('.')[0]) < LEAST_NODE) {
  process.stderr.write(
    `punctual: Node ${LEAST_NODE} or newer is needed, this is ${process.versions.node}. "npm ci && npm start" brings its own on Linux.\n`,
  );
  process.exit(1);
}

// What a start strips of its types and compiles is there for the next, which takes 20 MB less, as the stripper is not even
// loaded, and is ready half a second sooner. The variable is for the worker thread of SQLite. A folder that cannot be
// written, as in the image, is left alone.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../.cache/node');
nodeModule.enableCompileCache();
await import('./main.ts');
