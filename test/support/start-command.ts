import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  scripts: { start: string };
};

/** The arguments that `npm start` gives to node, so that tests and benchmarks run what users run. */
export const startArguments: string[] = manifest.scripts.start.replace('exec node ', '').split(' ');
