import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf, type Launch } from './copy.ts';

/** Copies of the compiled output in this folder, on the Node that runs this. Throws where nothing was compiled. */
export function launchDist(folder: string): Launch {
  const entry = join(folder, 'src/start.js');
  if (!existsSync(entry)) throw new Error(`There is no ${entry}. Make it first: npm run build.`);
  return (environment) => Promise.resolve(copyOf(process.execPath, [entry], { environment }));
}
