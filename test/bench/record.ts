import type { BenchCase, Outcome } from './bench-case.ts';
import type { Bench } from './bench.ts';
import { countOthers } from './processor.ts';
import { verdictOf, type Row } from './table.ts';

/** What has been measured in this run, case by case, each told as soon as it is known. */
export interface RunRecord {
  rows: Row[];
  /** Runs the case unless this run has its outcome. Rejects where the case was not in order. */
  outcomeOf(one: BenchCase, bench: Bench): Promise<Outcome>;
  /** The next `outcomeOf` runs it anew, and gives it another row. */
  forget(one: BenchCase): void;
}

export function createRecord(): RunRecord {
  const rows: Row[] = [];
  const outcomes = new Map<BenchCase, Promise<Outcome>>();
  let secondsTold = 0;

  async function measure(one: BenchCase, bench: Bench): Promise<Outcome> {
    const startedAt = performance.now();
    const elsewhere = secondsTold;
    const row: Row = { case: one };
    const others = countOthers();
    try {
      row.outcome = await one.run(bench);
      return row.outcome;
    } catch (error) {
      row.error = error as Error;
      throw error;
    } finally {
      row.othersCores = others();
      rows.push(row);
      // The cases that this one had to wait for have told theirs.
      row.seconds = (performance.now() - startedAt) / 1000 - (secondsTold - elsewhere);
      secondsTold += row.seconds;
      tell(row);
    }
  }

  return {
    rows,
    outcomeOf(one, bench) {
      const outcome = outcomes.get(one) ?? measure(one, bench);
      outcomes.set(one, outcome);
      return outcome;
    },
    forget: (one) => void outcomes.delete(one),
  };
}

function tell(row: Row): void {
  const { name } = row.case;
  const seconds = row.seconds ?? NaN;
  if (row.outcome === undefined) return console.error(`${name}: FAILED after ${seconds.toFixed(0)} s:`, row.error);
  const values = Object.entries(row.outcome.values).map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`);
  console.log(
    `${name}: ${row.outcome.figure}; ${verdictOf(row).toUpperCase()} (${seconds.toFixed(0)} s; ${disturbance(row)})`,
  );
  console.log(`    ${values.join(', ')}`);
}

const disturbance = ({ othersCores = 0 }: Row): string => `${othersCores.toFixed(2)} cores busy with something else`;
