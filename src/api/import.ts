import type { Clock } from '../platform/index.ts';
import type { CallerHandler } from './admission.ts';
import { sendJson } from './answer.ts';
import { overloaded, type BodyBudget } from './body-budget.ts';
import { refuseIdempotencyKey } from './idempotency.ts';
import { createLineImport, type ImportReport, type LineImport } from './import-lines.ts';
import { refuseOtherTypes } from './media-type.ts';
import { Problem, problemOf } from './problem.ts';
import { MAX_TIMER_BYTES } from './read-json.ts';
import { readLines, type Line } from './read-lines.ts';
import { liftDeadline, setDeadline } from './request-deadline.ts';
import type { Schedule } from './schedule.ts';

const IDLE_MS = 10_000;
/** What it holds at most besides what the store has been given: a batch that is being gathered, and a line. Bytes. */
const HELD_BYTES = 1.25 * 1024 * 1024;
/** How long the rest of a refused import is swallowed, so that the client gets to read why. */
const GRACE_MS = 15_000;

/** One timer a line, however many: what is read is stored before more is read. */
export function importHandler(deps: {
  schedule: Schedule;
  bodies: BodyBudget;
  clock: Pick<Clock, 'after'>;
  isStopping: () => boolean;
}): CallerHandler {
  const { schedule, bodies, clock, isStopping } = deps;

  return async (req, res, { owner }) => {
    refuseIdempotencyKey(req.headers, 'an import');
    refuseOtherTypes(req.headers, { type: 'application/x-ndjson', name: 'JSON, one timer a line,' });
    liftDeadline(req);
    const lines = readLines(req, { maxLineBytes: MAX_TIMER_BYTES, idleMs: IDLE_MS, clock });
    const lineImport = createLineImport({ schedule, owner });
    const mostHeld = Math.min(HELD_BYTES, Number(req.headers['content-length'] ?? HELD_BYTES));
    let held = 0;
    try {
      if (!bodies.take(mostHeld, mostHeld)) throw overloaded();
      held = mostHeld;
      sendJson(res, { status: 200, body: await importAll(lines, lineImport) });
    } catch (error) {
      req.resume();
      setDeadline(req, { ms: GRACE_MS, onLate: () => req.destroy() });
      throw withLine(error, await lineImport.lastCommittedLine());
    } finally {
      bodies.give(held);
    }
  };

  async function importAll(pieces: AsyncIterable<Line[]>, lineImport: LineImport): Promise<ImportReport> {
    for await (const lines of pieces) {
      if (isStopping()) throw new Problem('shutting_down', 'This replica is shutting down; go on with another one.');
      for (const line of lines) if (lineImport.take(line)) await lineImport.flush();
      lineImport.nudge();
    }
    return lineImport.finish();
  }
}

/** The client goes on behind the line that it is told. */
function withLine(error: unknown, lastCommittedLine: number): unknown {
  const { code, message, headers } = problemOf(error);
  if (code === 'internal_error') return error;
  const hangUp = code === 'request_timeout' ? { Connection: 'close' } : {};
  return new Problem(code, message, {
    headers: { ...headers, ...hangUp },
    members: { last_committed_line: lastCommittedLine },
    cause: error,
  });
}
