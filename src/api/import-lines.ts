import { z } from 'zod';
import type { KeyedResult } from '../timers/index.ts';
import { takeItem } from './batch.ts';
import { Problem, problemOf, type ProblemCode } from './problem.ts';
import { MAX_TIMER_BYTES } from './read-json.ts';
import type { Line } from './read-lines.ts';
import type { Entry, Schedule } from './schedule.ts';

/** What is stored together, at the most; small enough that the store works on one batch while the next is being made. */
const BATCH_TIMERS = 1000;
const BATCH_BYTES = 1024 * 1024;
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
 * Stores lines, batch after batch, two at a time while the next is being read. After a batch that was not stored none
 * follows: every method but `lastCommittedLine` throws, or rejects with, what the store threw.
 */
export interface LineImport {
  /** Takes a line in; true when a batch is full and has to be flushed. */
  take(line: Line): boolean;
  /** Begins to store what is gathered as soon as no more than one other batch is under way. */
  flush(): Promise<void>;
  /** Begins at once if nothing is under way, so that the lines of a slow client do not wait for others. */
  nudge(): void;
  /** Resolves when everything taken is committed. */
  finish(): Promise<ImportReport>;
  /** Resolves when nothing is under way any more: up to this line, and no further for certain, everything is committed. */
  lastCommittedLine(): Promise<number>;
}

interface Batch {
  entries: Entry[];
  numbers: number[];
  hasKeys: boolean;
}

const emptyBatch = (): Batch => ({ entries: [], numbers: [], hasKeys: false });

export function createLineImport({ schedule, owner }: { schedule: Schedule; owner: string | null }): LineImport {
  const report: ImportReport = { created: 0, changed: 0, replayed: 0, refused: 0, errors: [] };
  let gathered = emptyBatch();
  let bytes = 0;
  let lastLine = 0;
  let committedLine = 0;
  let underWay = 0;
  /** The batch begun last, and the one before it: each is settled when those before it are. They never reject. */
  let last = { settled: Promise.resolve(), hasKeys: false };
  let beforeLast = last;
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
    const { entries, numbers, hasKeys } = gathered;
    [gathered, bytes] = [emptyBatch(), 0];
    underWay += 1;
    beforeLast = last;
    const storing = schedule.store(entries);
    last = { settled: settle({ storing, before: last.settled, numbers, upTo: lastLine }), hasKeys };
  }

  /** The failure is told to whoever comes next. */
  async function settle(batch: {
    storing: Promise<KeyedResult[]>;
    before: Promise<void>;
    numbers: number[];
    upTo: number;
  }): Promise<void> {
    const [stored] = await Promise.allSettled([batch.storing, batch.before]);
    underWay -= 1;
    if (stored.status === 'rejected') failure ??= { error: stored.reason };
    if (failure !== undefined || stored.status === 'rejected') return;
    for (const [index, result] of stored.value.entries()) count(result, batch.numbers[index] ?? 0);
    committedLine = batch.upTo;
    if (underWay === 0 && !isAwaited && gathered.entries.length > 0) begin();
  }

  function refuseAfterFailure(): void {
    if (failure !== undefined) throw failure.error;
  }

  async function flush(): Promise<void> {
    isAwaited = true;
    // A key may be that of a line before it, and the later one counts.
    await (gathered.hasKeys || last.hasKeys ? last : beforeLast).settled;
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
        gathered.entries.push(entry);
        gathered.numbers.push(line.number);
        gathered.hasKeys ||= entry.order.key !== null || entry.idempotency !== null;
        bytes += line.bytes?.length ?? 0;
      } catch (error) {
        const problem = problemOf(error);
        if (problem.code === 'internal_error') throw error;
        refuse(line.number, problem);
      }
      return gathered.entries.length >= BATCH_TIMERS || bytes >= BATCH_BYTES;
    },
    flush,
    nudge() {
      refuseAfterFailure();
      if (underWay === 0 && gathered.entries.length > 0) begin();
    },
    async finish() {
      await flush();
      await last.settled;
      refuseAfterFailure();
      return { ...report, errors: report.errors.toSorted((a, b) => a.line - b.line) };
    },
    async lastCommittedLine() {
      await last.settled;
      return committedLine;
    },
  };
}
