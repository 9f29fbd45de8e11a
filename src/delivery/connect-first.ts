import { connect, type Socket } from 'node:net';
import type { Clock } from '../platform/index.ts';

/** RFC 8305 §5 (Happy Eyeballs), "Connection Attempt Delay". */
const NEXT_ADDRESS_AFTER_MS = 250;

/**
 * A TCP connection to the first of the addresses that accepts one. The next is tried as soon as one fails, or is slow, and
 * all but the winner are closed. Rejects with the error of the first address when none accepts, and on abort.
 */
export function connectFirst(deps: {
  addresses: string[];
  port: number;
  clock: Clock;
  signal: AbortSignal;
}): Promise<Socket> {
  const { addresses, port, clock, signal } = deps;
  return new Promise((resolve, reject) => {
    const opening = new Set<Socket>();
    const rest = addresses.values();
    let firstError: Error | undefined;
    let cancelNext = () => {};

    const finish = (settle: () => void) => {
      cancelNext();
      signal.removeEventListener('abort', onAbort);
      for (const socket of opening) socket.destroy();
      settle();
    };
    const onAbort = () => finish(() => reject(new Error('Aborted')));
    const tryNext = () => {
      cancelNext();
      const { value: address, done } = rest.next();
      if (done === true) {
        if (opening.size === 0) finish(() => reject(firstError ?? new Error('No address to connect to')));
        return;
      }
      const socket = connect({ host: address, port, noDelay: true });
      opening.add(socket);
      socket.once('connect', () => {
        opening.delete(socket);
        finish(() => resolve(socket));
      });
      // Stays for the socket's life: an error between two owners must not bring the process down.
      socket.on('error', (error) => {
        firstError ??= error;
        if (opening.delete(socket) && !signal.aborted) tryNext();
      });
      cancelNext = clock.after(NEXT_ADDRESS_AFTER_MS, tryNext);
    };

    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else tryNext();
  });
}
