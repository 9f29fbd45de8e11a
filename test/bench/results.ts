import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bullmq, graphileWorker, pgBoss } from './cases/peers.ts';
import { lateness, latenessOnSqlite } from './cases/lateness.ts';
import type { Machine } from './machine.ts';
import { quantile } from './measure.ts';
import { drawLateness } from './picture.ts';
import { sizingTableOf, writeIntoReadme } from './readme.ts';
import { tableOf, verdictOf, type Row } from './table.ts';

export interface Results {
  startedAt: Date;
  minutes: number;
  machine: Machine;
  rows: Row[];
}

const IN_PICTURE = [
  { of: lateness, name: 'Punctual on MySQL', own: true },
  { of: latenessOnSqlite, name: 'Punctual on SQLite', own: true },
  { of: bullmq, name: 'BullMQ 6', own: false },
  { of: graphileWorker, name: 'Graphile Worker 0.18', own: false },
  { of: pgBoss, name: 'pg-boss 10', own: false },
];
const SHARES = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

/** Leaves `results.json`, `results.md` and `lateness.svg` in the folder, and the tables in the README if it is given. */
export function writeResults({ folder, readme }: { folder: string; readme?: string }, results: Results): void {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const table = `${describe(results)}\n\n${tableOf(results.rows)}`;
  write('results.json', `${JSON.stringify(toJson(results), null, 2)}\n`);
  write('results.md', `${table}\n`);
  write('lateness.svg', draw(results));
  if (readme === undefined) return;
  writeIntoReadme(readme, 'measured', table);
  writeIntoReadme(readme, 'sizes', sizingTableOf(results.rows));
}

function toJson({ startedAt, minutes, machine, rows }: Results) {
  return {
    startedAt: startedAt.toISOString(),
    minutes: Number(minutes.toFixed(1)),
    machine,
    cases: rows.map((row) => ({
      name: row.case.name,
      title: row.case.title,
      target: row.case.target,
      verdict: verdictOf(row),
      figure: row.outcome?.figure ?? null,
      error: row.error?.message ?? null,
      seconds: Number(row.seconds?.toFixed(1)),
      othersCores: Number(row.othersCores?.toFixed(2)),
      values: rounded(row.outcome?.values ?? {}),
      latenessMs: quantilesOf(row.outcome?.lateness),
    })),
  };
}

const rounded = (values: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value.toPrecision(4))]));

const quantilesOf = (lateness: number[] | undefined): Record<string, number> | null =>
  lateness === undefined
    ? null
    : rounded(Object.fromEntries(SHARES.map((share) => [share, quantile(lateness, share)])));

const describe = ({ startedAt, minutes, machine }: Results): string =>
  `${machine.cores} cores (${machine.processor}), ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}, ` +
  `MySQL ${machine.mysql}; ${startedAt.toISOString().slice(0, 10)}, ${minutes.toFixed(0)} minutes.`;

function draw({ rows, machine }: Results): string {
  const strips = IN_PICTURE.flatMap(({ of, name, own }) => {
    const measured = rows.find((row) => row.case === of)?.outcome?.lateness;
    return measured === undefined ? [] : [{ name, own, lateness: measured }];
  });
  return drawLateness({
    title: 'How late: 500 timers a second for 20 s, due at random',
    subtitle: `From the due instant to the arrival of the call, on ${machine.cores} cores shared by service, database and receiver`,
    strips,
  });
}
