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

export const tableOf = (rows: Row[]): string =>
  markdownTable([
    ['case', 'figure', 'at least', ''],
    ...rows.map((row) => [
      row.case.title,
      row.outcome?.figure ?? row.error?.message ?? '',
      row.case.target ?? '',
      verdictOf(row),
    ]),
  ]);

/** The first line is the head. As prettier leaves it. */
export function markdownTable([head = [], ...body]: string[][]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...body].map((line) => line[column]?.length ?? 0)));
  const lineOf = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [head, widths.map((width) => '-'.repeat(width)), ...body].map(lineOf).join('\n');
}
