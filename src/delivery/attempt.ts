import type { Clock } from '../platform/index.ts';
import type { AttemptError, Outcome } from '../timers/index.ts';
import { createAnswerExcerpt, type AnswerExcerpt } from './answer-excerpt.ts';
import type { AnswerHeaders, AnswerReader, Connection, WireRequest } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { TARGET_BLOCKED, type Connect } from './connector.ts';
import { codeOf, failureOf, INTERRUPTED, isConnectionLost, timeoutAt, type AttemptStage } from './failure.ts';
import { outcomeOfAnswer, outcomeOfBlockedTarget, outcomeOfFailure } from './outcome-of.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { Target } from './target.ts';

interface AttemptDeps {
  pool: ConnectionPool;
  connect: Connect;
  clock: Clock;
}

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

/**
 * One attempt, from its order to its outcome, which is settled exactly once. A class because thousands are made in a second:
 * as closures, its functions were a tenth of what a call allocates.
 */
export class Attempt implements AnswerReader {
  private readonly deps: AttemptDeps;
  private readonly order: AttemptOrder;
  private readonly settle: (outcome: Outcome) => void;
  private readonly deadlineAt: number;
  private readonly cancelDeadline: () => void;
  private stage: AttemptStage = 'connect';
  private isSettled = false;
  private isSent = false;
  private answered: { httpStatus: number; retryAfterMs: number | null } | undefined;
  private excerpt: AnswerExcerpt | undefined;
  private connection: Connection | undefined;
  private isKept = false;
  private dialing: AbortController | undefined;

  constructor(deps: AttemptDeps, order: AttemptOrder, settle: (outcome: Outcome) => void) {
    const { clock } = deps;
    this.deps = deps;
    this.order = order;
    this.settle = settle;
    // A process that stood still learns of its sockets before its deadlines: past this, whoever holds the timer is another.
    this.deadlineAt = clock.monotonic() + order.deadlineMs;
    // And it runs its timers before it reads its sockets: one more turn lets an answer in that came in time.
    this.cancelDeadline = clock.after(order.deadlineMs, () => setImmediate(() => this.end()));
  }

  start(): void {
    const { mayResend, target } = this.order;
    const kept = mayResend ? this.deps.pool.take(target.origin) : undefined;
    if (kept === undefined) this.dial();
    else this.sendOn(kept, { isKept: true });
  }

  interrupt(): void {
    this.end(INTERRUPTED);
  }

  onSending(): boolean {
    if (this.isLate() || !this.order.isOurs()) this.end();
    else this.isSent = true;
    return !this.isSettled;
  }

  onBegun(): void {
    this.stage = 'reading';
  }

  onHead(httpStatus: number, headers: AnswerHeaders): void {
    this.answered = { httpStatus, retryAfterMs: parseRetryAfter(headers['retry-after'], this.deps.clock.now()) };
  }

  onBody(chunk: Buffer): void {
    if (this.connection?.isPublic === true) (this.excerpt ??= createAnswerExcerpt()).add(chunk);
  }

  onEnd(): void {
    const { connection } = this;
    if (this.isSettled || connection?.isFlushed() !== true) connection?.discard();
    else this.deps.pool.keep(connection);
    this.finishWithAnswerOr();
  }

  onError(error: Error): void {
    this.connection?.discard();
    if (this.isSettled) return;
    const isRepeatable = this.isKept && this.stage === 'waiting' && isConnectionLost(error);
    if (isRepeatable && !this.isLate()) this.dial();
    else this.finishWithAnswerOr(failureOf(error, this.stage));
  }

  private dial(): void {
    const { signal } = (this.dialing = new AbortController());
    this.deps.connect(this.order.target, { signal, onStage: (reached) => (this.stage = reached) }).then(
      (connection) => {
        if (this.isSettled) connection.discard();
        else this.sendOn(connection, { isKept: false });
      },
      (error: unknown) => {
        const isBlocked = codeOf(error) === TARGET_BLOCKED;
        this.finish(isBlocked ? outcomeOfBlockedTarget() : outcomeOfFailure(failureOf(error, this.stage), this.isSent));
      },
    );
  }

  private sendOn(connection: Connection, { isKept }: { isKept: boolean }): void {
    if (this.isLate()) {
      connection.discard();
      this.finishWithAnswerOr();
      return;
    }
    this.connection = connection;
    this.isKept = isKept;
    this.stage = 'waiting';
    connection.send(this.order.request, this);
  }

  private isLate(): boolean {
    return this.deps.clock.monotonic() >= this.deadlineAt;
  }

  /** Without an error it is time that has run out. */
  private end(error?: AttemptError): void {
    if (this.isSettled) return;
    this.finishWithAnswerOr(error);
    this.dialing?.abort();
    this.connection?.discard();
  }

  private finishWithAnswerOr(error?: AttemptError): void {
    const { answered } = this;
    if (answered === undefined) this.finish(outcomeOfFailure(error ?? timeoutAt(this.stage), this.isSent));
    else this.finish(outcomeOfAnswer({ ...answered, answer: this.excerpt?.text() ?? null }));
  }

  private finish(outcome: Outcome): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.cancelDeadline();
    this.settle(outcome);
  }
}
