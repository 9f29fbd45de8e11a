import { z } from 'zod';
import type { KeyedResult } from '../timers/index.ts';
import { takeItem } from './batch.ts';
import { Problem, problemOf, type ProblemCode } from './problem.ts';
import { MAX_TIMER_BYTES } from './read-json.ts';
import type { Line } from './read-lines.ts';
import type { Entry, Schedule } from './schedule.ts';

/** What is stored together, at the most. */
const BATCH_TIMERS = 1000;
const BATCH_BYTES = 2 * 1024 * 1024;
const ERRORS_TOLD = 1000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What became of an import, as its client is told. */
export const importReport = z
  .strictObject({
    created: z.int().min(0),
    changed: z.int().min(0).meta({ description: 'Timers that waited under the key of their line.' }),
    replayed: z.int().min(0).meta({ description: 'Lines whose idempotency key had been used for them before.' }),
    refused: z.int().min(0),
    errors: z
      .array(z.strictObject({ line: z.int().min(1), code: z.string(), message: z.string() }))
      .meta({ description: `Of the refused lines the first ${ERRORS_TOLD}.` }),
  })
  .meta({ id: 'ImportReport' });

export type ImportReport = z.infer<typeof importReport>;

/**
 * Stores lines, batch after batch, while the next one is being read. After a batch that was not stored none follows: every
 * method but `lastCommittedLine` throws, or rejects with, what the store threw.
 */
export interface LineImport {
  /** Takes a line in; true when a batch is full and has to be flushed. */
  take(line: Line): boolean;
  /** Begins to store what is gathered once the batch before is committed. */
  flush(): Promise<void>;
  /** Begins at once if nothing is under way, so that the lines of a slow client do not wait for others. */
  nudge(): void;
  /** Resolves when everything taken is committed. */
  finish(): Promise<ImportReport>;
  /** Resolves when nothing is under way any more: up to this line, and no further for certain, everything is committed. */
  lastCommittedLine(): Promise<number>;
}

export function createLineImport({ schedule, owner }: { schedule: Schedule; owner: string | null }): LineImport {
  const report: ImportReport = { created: 0, changed: 0, replayed: 0, refused: 0, errors: [] };
  let entries: Entry[] = [];
  let numbers: number[] = [];
  let bytes = 0;
  let lastLine = 0;
  let committedLine = 0;
  let sending: Promise<void> | undefined;
  let isAwaited = false;
  let failure: { error: unknown } | undefined;

  function entryOf({ bytes }: Line): Entry | undefined {
    if (bytes === null) throw new Problem('too_large', `The line is larger than ${MAX_TIMER_BYTES} bytes.`);
    let item: unknown;
    try {
      const text = utf8.decode(bytes);
      if (text.trim() === '') return undefined;
      item = JSON.parse(text);
    } catch (cause) {
      throw new Problem('malformed_json', 'The line is not valid JSON in UTF-8.', { cause });
    }
    return takeItem(item, { owner, schedule });
  }

  function refuse(line: number, { code, message }: { code: ProblemCode; message: string }): void {
    report.refused += 1;
    if (report.errors.length < ERRORS_TOLD) report.errors.push({ line, code, message });
  }

  function count(result: KeyedResult, line: number): void {
    if (result.kind === 'refused') refuse(line, result.refusal);
    else report[result.kind] += 1;
  }

  function begin(): void {
    const batch = { entries, numbers, upTo: lastLine };
    [entries, numbers, bytes] = [[], [], 0];
    sending = send(batch);
  }

  /** Never rejects: the failure is told to whoever comes next. */
  async function send(batch: { entries: Entry[]; numbers: number[]; upTo: number }): Promise<void> {
    try {
      const results = await schedule.store(batch.entries);
      for (const [index, result] of results.entries()) count(result, batch.numbers[index] ?? 0);
      committedLine = batch.upTo;
    } catch (error) {
      failure = { error };
    }
    sending = undefined;
    if (failure === undefined && !isAwaited && entries.length > 0) begin();
  }

  function refuseAfterFailure(): void {
    if (failure !== undefined) throw failure.error;
  }

  async function flush(): Promise<void> {
    isAwaited = true;
    await sending;
    isAwaited = false;
    refuseAfterFailure();
    begin();
  }

  return {
    take(line) {
      lastLine = line.number;
      try {
        const entry = entryOf(line);
        if (entry === undefined) return false;
        entries.push(entry);
        numbers.push(line.number);
        bytes += line.bytes?.length ?? 0;
      } catch (error) {
        const problem = problemOf(error);
        if (problem.code === 'internal_error') throw error;
        refuse(line.number, problem);
      }
      return entries.length >= BATCH_TIMERS || bytes >= BATCH_BYTES;
    },
    flush,
    nudge() {
      refuseAfterFailure();
      if (sending === undefined && entries.length > 0) begin();
    },
    async finish() {
      await flush();
      await sending;
      refuseAfterFailure();
      return { ...report, errors: report.errors.toSorted((a, b) => a.line - b.line) };
    },
    async lastCommittedLine() {
      await sending;
      return committedLine;
    },
  };
}
