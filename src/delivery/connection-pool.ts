import type { Connection } from './connection.ts';

/** All open connections; the idle ones wait for the next request of their origin. */
export interface ConnectionPool {
  /** Tells of a new connection, which is in use. */
  add(connection: Connection): void;
  /** The one used last, as the least likely to have been closed by the receiver. */
  take(origin: string): Connection | undefined;
  /** How many wait for a request of that origin. */
  idleOf(origin: string): number;
  /** Gives back a connection in good order, or one that has just been opened. */
  keep(connection: Connection): void;
  /** Tells that a connection was closed. */
  forget(connection: Connection): void;
  /** Closes what is idle, and from then on what is given back; resolves when nothing is open any more. */
  close(): Promise<void>;
}

/** In all, the oldest making way: calls to thousands of hosts would otherwise leave as many sockets open behind them. */
const IDLE_KEPT = 512;

export function createConnectionPool(): ConnectionPool {
  const idle = new Map<string, Connection[]>();
  const byAge = new Set<Connection>();
  const open = new Set<Connection>();
  let isClosing = false;
  const drained = Promise.withResolvers<undefined>();

  const remove = (connection: Connection) => {
    if (!byAge.delete(connection)) return;
    const ofOrigin = idle.get(connection.origin) ?? [];
    ofOrigin.splice(ofOrigin.lastIndexOf(connection), 1);
    if (ofOrigin.length === 0) idle.delete(connection.origin);
  };

  const discard = (connection?: Connection) => {
    if (connection === undefined) return;
    remove(connection);
    connection.discard();
  };

  return {
    add: (connection) => void open.add(connection),
    take(origin) {
      const connection = idle.get(origin)?.findLast((candidate) => candidate.isOpen());
      if (connection !== undefined) remove(connection);
      return connection;
    },
    idleOf: (origin) => idle.get(origin)?.length ?? 0,
    keep(connection) {
      if (isClosing) {
        connection.discard();
        return;
      }
      const ofOrigin = idle.get(connection.origin);
      if (ofOrigin === undefined) idle.set(connection.origin, [connection]);
      else ofOrigin.push(connection);
      byAge.add(connection);
      if (byAge.size > IDLE_KEPT) discard(byAge.values().next().value);
    },
    forget(connection) {
      remove(connection);
      open.delete(connection);
      if (isClosing && open.size === 0) drained.resolve(undefined);
    },
    close() {
      isClosing = true;
      byAge.forEach(discard);
      if (open.size === 0) drained.resolve(undefined);
      return drained.promise;
    },
  };
}
