import type { Bench } from './bench.ts';

/** One line of the table. */
export interface BenchCase {
  /** To run it alone: `npm run bench -- <name>`. */
  name: string;
  /** For people. */
  title: string;
  /** What is at least to be reached, for people; `null` where nothing is asked. */
  target: string | null;
  /** Takes minutes, and so runs only with `--full` or by its name. */
  long?: true;
  /** Throws when the run was not in order: something lost, doubled or early. */
  run(bench: Bench): Promise<Outcome>;
}

export interface Outcome {
  /** What was measured, for people. */
  figure: string;
  /** Whether the target was reached; `null` where nothing is asked. */
  met: boolean | null;
  /** The same for programs, and for the cases that are judged by this one. Milliseconds, calls per second, bytes. */
  values: Record<string, number>;
  /** Milliseconds between due and arrival, sorted; what the picture shows. */
  lateness?: number[];
}
