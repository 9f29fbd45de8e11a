import type { Clock } from '../platform/index.ts';
import type { Connection } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { Connect } from './connector.ts';
import type { Target } from './target.ts';

/** As many to one origin for timers that share an instant; and as many dials to it in a second, whoever answers. */
const MOST_AHEAD = 8;
const REMEMBERED_MS = 1000;
/** Of all origins, dialled or not used yet: a crowd to thousands of hosts must leave sockets, and places in the pool, to calls. */
const MOST_IN_ALL = 128;
/** With less time left, the attempt would begin before the connection is there, and dial for itself. */
const LEAST_WAIT_MS = 50;
/** What takes longer than this is given up; the attempt will see for itself. */
const LONGEST_DIAL_MS = 5000;
/** How long a connection waits for its timer beyond the instant that was told. */
const UNUSED_MS = 2000;

/**
 * Opens connections before timers are due: look-up, connection and TLS take several round trips, by which each call to a
 * host that has not been called for seconds would be late. One to an origin, or as many as timers share the next instant; of
 * those that are open already none is opened again. The connector's rules hold as at any other time. Failures are nobody's:
 * the attempt dials as if nothing had been tried.
 */
export interface DialAhead {
  /** `waitMs`: how long until the timer is due, which may be off by a little. */
  prepare(target: Target, timer: { dueAt: number; waitMs: number }): void;
  /** Gives up what is being dialled; nothing is dialled from then on. */
  close(): void;
}

/** What was wanted of an origin lately. */
interface Wanted {
  instant: number;
  /** Timers of that instant. */
  timers: number;
  dials: number;
  dialing: number;
}

export function createDialAhead(deps: { pool: ConnectionPool; connect: Connect; clock: Clock }): DialAhead {
  const { pool, connect, clock } = deps;
  const lately = new Map<string, Wanted>();
  const unused = new Set<Connection>();
  let dialing = 0;
  const closing = new AbortController();

  function wantedOf(origin: string, instant: number): Wanted {
    let wanted = lately.get(origin);
    if (wanted === undefined) {
      wanted = { instant, timers: 0, dials: 0, dialing: 0 };
      lately.set(origin, wanted);
      clock.after(REMEMBERED_MS, () => lately.delete(origin));
    }
    if (wanted.instant !== instant) Object.assign(wanted, { instant, timers: 0 });
    wanted.timers += 1;
    return wanted;
  }

  async function dial(target: Target, waitMs: number): Promise<void> {
    const aborter = new AbortController();
    const abort = () => aborter.abort();
    const cancel = clock.after(LONGEST_DIAL_MS, abort);
    closing.signal.addEventListener('abort', abort);
    try {
      const connection = await connect(target, { signal: aborter.signal, onStage: () => undefined });
      pool.keep(connection);
      unused.add(connection);
      clock.after(waitMs + UNUSED_MS, () => closeUnused(connection));
    } catch {
      // See above.
    } finally {
      cancel();
      closing.signal.removeEventListener('abort', abort);
    }
  }

  function isRoom(): boolean {
    if (unused.size + dialing < MOST_IN_ALL) return true;
    for (const connection of unused) if (connection.isUsed() || !connection.isOpen()) unused.delete(connection);
    return unused.size + dialing < MOST_IN_ALL;
  }

  /** One that was used is closed by what keeps it alive. */
  function closeUnused(connection: Connection): void {
    unused.delete(connection);
    if (!connection.isUsed()) connection.discard();
  }

  return {
    prepare(target, { dueAt, waitMs }) {
      if (waitMs < LEAST_WAIT_MS || closing.signal.aborted) return;
      const wanted = wantedOf(target.origin, dueAt);
      const enough = Math.min(wanted.timers, MOST_AHEAD);
      if (wanted.dials >= MOST_AHEAD || pool.idleOf(target.origin) + wanted.dialing >= enough) return;
      if (!isRoom()) return;
      wanted.dials += 1;
      wanted.dialing += 1;
      dialing += 1;
      void dial(target, waitMs).finally(() => {
        wanted.dialing -= 1;
        dialing -= 1;
      });
    },
    close: () => closing.abort(),
  };
}
