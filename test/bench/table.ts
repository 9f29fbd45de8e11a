import type { BenchCase, Outcome } from './bench-case.ts';

/** A case that was run: either its outcome, or why there is none. */
export interface Row {
  case: BenchCase;
  outcome?: Outcome;
  error?: Error;
  /** How long it took, with all that it had to set up, but without the cases that it is judged by. */
  seconds?: number;
  /** How many cores were busy meanwhile with what is not of this run; the rest of the row is worth little where it is many. */
  othersCores?: number;
}

export function verdictOf({ outcome, error }: Row): 'failed' | 'met' | 'missed' | '' {
  if (error !== undefined) return 'failed';
  if (outcome?.met === null) return '';
  return outcome?.met === true ? 'met' : 'missed';
}

/** In Markdown, so that it can be pasted where it is to be read. */
export function tableOf(rows: Row[]): string {
  const cells = [
    ['case', 'figure', 'at least', ''],
    ...rows.map((row) => [
      row.case.title,
      row.outcome?.figure ?? row.error?.message ?? '',
      row.case.target ?? '',
      verdictOf(row),
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}
