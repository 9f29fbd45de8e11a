import { readFileSync, writeFileSync } from 'node:fs';
import { backlog } from './cases/backlog.ts';
import { batch } from './cases/batch.ts';
import { burst } from './cases/burst.ts';
import { idle } from './cases/idle.ts';
import { lateness } from './cases/lateness.ts';
import { post } from './cases/post.ts';
import { tableSize } from './cases/table-size.ts';
import type { BenchCase } from './bench-case.ts';
import { markdownTable, type Row } from './table.ts';

/** Puts the text between the README's markers of that name: `<!-- name -->` and `<!-- /name -->`. */
export function writeIntoReadme(file: string, name: string, text: string): void {
  const readme = readFileSync(file, 'utf8');
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, rest] = readme.split(begin);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined) throw new Error(`${file} lacks ${begin} or ${end} behind it.`);
  writeFileSync(file, `${before}${begin}\n\n${text}\n\n${end}${after}`);
}

/** What one replica carries, by the figures of the run. */
export function sizingTableOf(rows: Row[]): string {
  const value = (of: BenchCase, name: string): number =>
    rows.find((row) => row.case === of)?.outcome?.values[name] ?? NaN;
  const perSecond = (of: BenchCase): string => thousands(Math.round(value(of, 'perSecond') / 100) * 100);
  const processorOf = (of: BenchCase): string =>
    `${value(of, 'service µs')} µs of a core each, and ${value(of, 'database µs')} µs of the database's`;

  return markdownTable([
    ['what', 'figure'],
    ['one replica, many due at once', `${perSecond(burst)} calls/s; ${processorOf(burst)}`],
    ['one replica, standing backlog', `${perSecond(backlog)} calls/s; ${processorOf(backlog)}`],
    ['one replica, one by one (500/s)', `${processorOf(lateness)}: small groups, more commits`],
    ['one replica, `POST /timers`', `${perSecond(post)}/s; ${perSecond(batch)}/s by batches of 1,000`],
    [
      'one replica that has nothing to do',
      `${value(idle, 'perSecond').toFixed(1)} statements/s, ${value(idle, 'percent').toFixed(1)} % of a core`,
    ],
    ['a timer in the index that should stay in memory', `${value(tableSize, 'hot index bytes').toFixed(0)} bytes`],
    [
      'memory of one replica',
      `${value(backlog, 'rssMb').toFixed(0)} MB in that backlog; it holds at most 16,000 timers, however many there are`,
    ],
  ]);
}

const thousands = (value: number): string => value.toLocaleString('en');
