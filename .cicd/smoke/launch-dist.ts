import { join } from 'node:path';
import { copyOf, type Launch } from './copy.ts';

/** Copies of the compiled output in this folder, on the Node that runs this. */
export function launchDist(folder: string): Launch {
  return (environment) => Promise.resolve(copyOf(process.execPath, [join(folder, 'src/start.js')], { environment }));
}
