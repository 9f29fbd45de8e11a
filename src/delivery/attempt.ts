import type { Clock } from '../platform/index.ts';
import type { AttemptError, Outcome } from '../timers/index.ts';
import { createAnswerExcerpt } from './answer-excerpt.ts';
import type { Connection, WireRequest } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { TARGET_BLOCKED, type Connect } from './connector.ts';
import { codeOf, failureOf, INTERRUPTED, isConnectionLost, timeoutAt, type AttemptStage } from './failure.ts';
import { outcomeOfAnswer, outcomeOfBlockedTarget, outcomeOfFailure } from './outcome-of.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { Target } from './target.ts';

export interface AttemptOrder {
  target: Target;
  request: WireRequest;
  /** For everything: look-up, connection, TLS, request and answer. Milliseconds. */
  deadlineMs: number;
  /**
   * Whether the request may be written twice. It is, once and at once, when a kept connection turns out to be dead before
   * the first byte of an answer: backing off for seconds because a receiver closed an idle connection would be lateness
   * of our own making. A request that may not be repeated gets a new connection, which cannot have died unnoticed.
   */
  mayResend: boolean;
  /** Whether the timer is still ours to send. */
  isOurs: () => boolean;
}

/** Begins an attempt; `settle` is called exactly once. Returns how to end it early. */
export function startAttempt(
  deps: { pool: ConnectionPool; connect: Connect; clock: Clock },
  { target, request, deadlineMs, mayResend, isOurs }: AttemptOrder,
  settle: (outcome: Outcome) => void,
): () => void {
  const { pool, connect, clock } = deps;
  let stage: AttemptStage = 'connect';
  let isSettled = false;
  let isSent = false;
  let answered: { httpStatus: number; retryAfterMs: number | null } | undefined;
  let current: Connection | undefined;
  let dialing: AbortController | undefined;
  const excerpt = createAnswerExcerpt();
  // A process that stood still learns of its sockets before its deadlines: past this, whoever holds the timer is another.
  const deadlineAt = clock.monotonic() + deadlineMs;
  const isLate = () => clock.monotonic() >= deadlineAt;

  const finish = (outcome: Outcome) => {
    if (isSettled) return;
    isSettled = true;
    cancelDeadline();
    settle(outcome);
  };
  const finishWithAnswerOr = (error: () => AttemptError) => {
    if (answered === undefined) finish(outcomeOfFailure(error(), isSent));
    else finish(outcomeOfAnswer({ ...answered, answer: excerpt.text() }));
  };
  const end = (error: () => AttemptError) => {
    if (isSettled) return;
    finishWithAnswerOr(error);
    dialing?.abort();
    current?.discard();
  };

  const dial = () => {
    dialing = new AbortController();
    connect(target, { signal: dialing.signal, onStage: (reached) => (stage = reached) }).then(
      (connection) => {
        if (isSettled) connection.discard();
        else sendOn(connection, { isKept: false });
      },
      (error: unknown) => {
        if (isSettled) return;
        const isBlocked = codeOf(error) === TARGET_BLOCKED;
        finish(isBlocked ? outcomeOfBlockedTarget() : outcomeOfFailure(failureOf(error, stage), isSent));
      },
    );
  };

  const sendOn = (connection: Connection, { isKept }: { isKept: boolean }) => {
    if (isLate()) {
      connection.discard();
      finishWithAnswerOr(() => timeoutAt(stage));
      return;
    }
    current = connection;
    stage = 'waiting';
    connection.send(request, {
      onSending() {
        if (isLate() || !isOurs()) end(() => timeoutAt(stage));
        else isSent = true;
        return !isSettled;
      },
      onBegun() {
        stage = 'reading';
      },
      onHead(httpStatus, headers) {
        answered = { httpStatus, retryAfterMs: parseRetryAfter(headers['retry-after'], clock.now()) };
      },
      onBody(chunk) {
        if (connection.isPublic) excerpt.add(chunk);
      },
      onEnd() {
        if (isSettled || !connection.isFlushed()) connection.discard();
        else pool.keep(connection);
        finishWithAnswerOr(() => timeoutAt(stage));
      },
      onError(error) {
        connection.discard();
        if (isSettled) return;
        if (!isLate() && isKept && stage === 'waiting' && isConnectionLost(error)) dial();
        else finishWithAnswerOr(() => failureOf(error, stage));
      },
    });
  };

  // A stalled process runs its timers before it reads its sockets: one more turn lets an answer in that came in time.
  const cancelDeadline = clock.after(deadlineMs, () => setImmediate(end, () => timeoutAt(stage)));
  const kept = mayResend ? pool.take(target.origin) : undefined;
  if (kept === undefined) dial();
  else sendOn(kept, { isKept: true });
  return () => end(() => INTERRUPTED);
}
