import type { MysqlPool, MysqlPoolConnection } from 'kysely';
import { isTooMany } from './errors.ts';
import { timeout, type Answer, type Session } from './session.ts';

/** A caller waits this long for a connection, and then has it for `holdMs`: together within the 5 s of `TimerStore`. */
export const ACQUIRE_MS = 1500;
/** Below the server's `wait_timeout`, so that it is always we who close. */
const IDLE_MS = 5000;
/** A server that takes no more connections is not asked again for this long. */
const ENOUGH_MS = 500;
/** What is in use when the pool is closed may go on for this long. */
const CLOSE_MS = 2500;

interface Waiter {
  take(session: Session): void;
  refuse(error: Error): void;
}

/**
 * Connections for Kysely. Unlike mysql2's own pool it lets nobody wait without end, bounds how long a connection is held
 * (a statement without an answer breaks its connection and gets an error), and hands out no connection that is broken.
 * When one breaks in use, those that are older than this use go too: after a fail-over or an outage they are as bad.
 */
export function createPool(deps: { open: () => Promise<Session>; size: number; holdMs: number }): MysqlPool {
  const { open, size, holdMs } = deps;
  const waiting = new Set<Waiter>();
  /** The one used last comes last, and is used next, so that those which are not needed grow old. */
  const idle: { session: Session; expiry: NodeJS.Timeout }[] = [];
  const inUse = new Set<Session>();
  let count = 0;
  let opening = 0;
  let trustedFrom = -Infinity;
  let openNoneBefore = -Infinity;
  /** While the server takes no more of us: what it says. */
  let tooMany: Error | undefined;
  let onEmpty: (() => void) | undefined;

  function getConnection(callback: (error: unknown, connection: MysqlPoolConnection) => void): void {
    if (onEmpty !== undefined) return callback(closed(), undefined as never);
    const waiter: Waiter = {
      take(session) {
        leave();
        callback(null, lend(session));
      },
      refuse(error) {
        leave();
        callback(error, undefined as never);
      },
    };
    const leave = () => {
      clearTimeout(deadline);
      waiting.delete(waiter);
    };
    const tooLong = () => waiter.refuse(tooMany ?? timeout('No connection to the database became free'));
    const deadline = setTimeout(tooLong, ACQUIRE_MS);
    waiting.add(waiter);
    serve();
  }

  function serve(): void {
    for (const waiter of waiting) {
      const session = takeIdle();
      if (session === undefined) break;
      waiter.take(session);
    }
    while (count < size && opening < waiting.size && performance.now() >= openNoneBefore) void openOne();
  }

  function takeIdle(): Session | undefined {
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
      clearTimeout(last.expiry);
      if (!last.session.isBroken()) return last.session;
      discard();
    }
    return undefined;
  }

  async function openOne(): Promise<void> {
    count++;
    opening++;
    try {
      const session = await open();
      opening--;
      tooMany = undefined;
      keep(session);
    } catch (error) {
      opening--;
      discard();
      refuse(error as Error);
    }
    serve();
  }

  function refuse(error: Error): void {
    if (count > 0 && isTooMany(error)) {
      // Those that we have will be free in milliseconds.
      tooMany = error;
      openNoneBefore = performance.now() + ENOUGH_MS;
      return;
    }
    // With no connection left, nobody who waits could get one: an outage is told to all at once.
    for (const waiter of [...waiting].slice(0, count === 0 ? Infinity : 1)) waiter.refuse(error);
  }

  /** As much of mysql2's connection as Kysely uses. */
  function lend(session: Session): MysqlPoolConnection {
    const lentAt = performance.now();
    inUse.add(session);
    const deadline = setTimeout(() => session.fail(timeout('The database gave no answer')), holdMs);
    const lent = {
      query: (sql: string, parameters: unknown[], answer: Answer) => session.query(sql, parameters, answer),
      release() {
        clearTimeout(deadline);
        inUse.delete(session);
        if (session.isBroken()) {
          discard();
          distrust(lentAt);
        } else {
          keep(session);
        }
        serve();
      },
    };
    return lent as unknown as MysqlPoolConnection;
  }

  function keep(session: Session): void {
    if (session.openedAt < trustedFrom || onEmpty !== undefined) return close(session);
    const entry = { session, expiry: setTimeout(() => closeIdle((other) => other === entry), IDLE_MS) };
    idle.push(entry);
  }

  function distrust(openedBefore: number): void {
    trustedFrom = Math.max(trustedFrom, openedBefore);
    closeIdle(({ session }) => session.openedAt < trustedFrom);
  }

  function closeIdle(isMeant: (entry: (typeof idle)[number]) => boolean): void {
    for (const entry of idle.filter(isMeant)) {
      clearTimeout(entry.expiry);
      idle.splice(idle.indexOf(entry), 1);
      close(entry.session);
    }
  }

  function close(session: Session): void {
    session.end();
    discard();
  }

  function discard(): void {
    count--;
    if (count === 0) onEmpty?.();
  }

  return {
    getConnection,
    end(callback) {
      const overdue = setTimeout(() => {
        for (const session of inUse) session.fail(closed());
        onEmpty?.();
      }, CLOSE_MS);
      onEmpty = () => {
        clearTimeout(overdue);
        callback(null);
      };
      for (const waiter of waiting) waiter.refuse(closed());
      closeIdle(() => true);
      if (count === 0) onEmpty();
    },
  };
}

const closed = (): Error => timeout('The store has been closed');
