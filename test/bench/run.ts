// npm run bench [-- name …] [-- --full]: what the service does on this machine beside its peers, nothing tuned.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchCase } from './bench-case.ts';
import { openBench } from './bench.ts';
import { CASES } from './cases/index.ts';
import { PEERS } from './cases/peers.ts';
import { describeMachine } from './machine.ts';
import { createRecord } from './record.ts';
import { writeResults } from './results.ts';
import { tableOf } from './table.ts';

const HELP = `npm run bench                      every case but the long ones
npm run bench -- --full            the long ones too
npm run bench -- burst lateness    those whose names begin so, and what they are held against
  --repeat 3                       each so many times
  --profiles <folder>              leaves a CPU profile of every service there
  --out <folder>                   table, JSON and picture go there; test/bench/results, where no case is named;
                                   without this, and with every row valid, the tables go into the README
  --list                           the cases`;

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    repeat: { type: 'string', default: '1' },
    profiles: { type: 'string' },
    out: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const everything = names.length === 0;

process.env.TEST_RUN_PID = String(process.pid);
if (options.help) console.log(HELP);
else if (options.list) console.table(CASES.map(({ name, title, target, long }) => ({ name, title, target, long })));
else await run(chosen());

async function run(cases: BenchCase[]): Promise<void> {
  const startedAt = new Date();
  const record = createRecord();
  await using bench = await openBench({
    ...options,
    profiles: options.profiles,
    outcomeOf: (one) => record.outcomeOf(one, bench),
  });
  for (const one of cases) {
    for (let round = 0; round < Number(options.repeat); round++) {
      if (round > 0) record.forget(one);
      await record.outcomeOf(one, bench).catch(() => (process.exitCode = 1));
    }
  }

  const { rows } = record;
  console.log(`\n${tableOf(rows)}`);
  const folder = options.out ?? (everything ? join(import.meta.dirname, 'results') : undefined);
  if (folder !== undefined) {
    const minutes = (Date.now() - startedAt.getTime()) / 60_000;
    const isForReadme = options.out === undefined && rows.every(({ outcome }) => outcome !== undefined);
    const readme = join(import.meta.dirname, '../../README.md');
    writeResults(isForReadme ? { folder, readme } : { folder }, {
      startedAt,
      minutes,
      machine: describeMachine(bench.mysql.version),
      rows,
    });
    console.log(`\nTable, JSON and picture are in ${folder} after ${minutes.toFixed(1)} minutes.`);
  }
  const missing = PEERS.filter((peer) => !rows.some((row) => row.case === peer && row.outcome !== undefined));
  if (everything && missing.length > 0) {
    console.error(`Without a row: ${missing.map(({ name }) => name).join(', ')}.`);
    process.exitCode = 1;
  }
}

/** Named by the beginning of their names; all but the long ones otherwise. */
function chosen(): BenchCase[] {
  if (everything) return CASES.filter(({ long }) => options.full || long !== true);
  return names.flatMap((name) => {
    const exact = CASES.filter((one) => one.name === name);
    const found = exact.length > 0 ? exact : CASES.filter((one) => one.name.startsWith(name));
    if (found.length === 0) throw new Error(`No case is called ${name}: ${CASES.map((one) => one.name).join(', ')}`);
    return found;
  });
}
