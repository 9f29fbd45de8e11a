import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../platform/index.ts';
import { kindOfAddress } from './address-kind.ts';
import { LOCALHOST_ADDRESSES, type AddressPolicy } from './address-policy.ts';
import { connectFirst } from './connect-first.ts';
import { openConnection, type Connection } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { canonicalAddress } from './ip-address.ts';
import type { Lookup } from './name-resolver.ts';
import type { Target } from './target.ts';

export type ConnectStage = 'lookup' | 'connect' | 'tls';

/** Opens a connection to the target, or rejects; an error with `TARGET_BLOCKED` as its code is final. */
export type Connect = (
  target: Target,
  options: { signal: AbortSignal; onStage: (stage: ConnectStage) => void },
) => Promise<Connection>;

export const TARGET_BLOCKED = 'TARGET_BLOCKED';

/** A name with hundreds of addresses is checked in full, but not tried in full. */
const ADDRESSES_TRIED = 6;

/**
 * The second gate, at every connect. The host is looked up once, all its addresses must be allowed, only those just checked
 * are connected to, and what the socket says it is connected to is compared once more before a byte is written. No proxy,
 * no Unix socket, no second look-up, whatever the environment says.
 */
export function createConnector(deps: {
  policy: AddressPolicy;
  resolve: Lookup;
  clock: Clock;
  pool: ConnectionPool;
}): Connect {
  const { policy, resolve, clock, pool } = deps;

  const addressesOf = async ({ hostname, isAddress, port }: Target): Promise<string[]> => {
    const allows = (address: string) => isIP(address) !== 0 && policy.allows(canonicalAddress(address), port);
    const isLocalhost = hostname === 'localhost';
    const found = isAddress ? [hostname] : isLocalhost ? LOCALHOST_ADDRESSES.filter(allows) : await resolve(hostname);
    if (found.length === 0 && !isLocalhost) throw Object.assign(new Error('No address'), { code: 'ENODATA' });
    if (found.length === 0 || !found.every(allows)) throw blocked();
    // IPv4 first: where one of the two does not work it is mostly the other.
    return found
      .map(canonicalAddress)
      .sort((one, other) => isIP(one) - isIP(other))
      .slice(0, ADDRESSES_TRIED);
  };

  return async (target, { signal, onStage }) => {
    onStage('lookup');
    const addresses = await addressesOf(target);
    onStage('connect');
    const tcp = await connectFirst({ addresses, port: target.port, clock, signal });
    const reached = tcp.remoteAddress && canonicalAddress(tcp.remoteAddress);
    if (reached === undefined || !addresses.includes(reached)) {
      tcp.destroy();
      throw reached === undefined ? reset() : blocked();
    }
    if (target.secure) onStage('tls');
    const socket = target.secure ? await secure({ tcp, target, signal }) : tcp;
    const connection = openConnection({
      socket,
      origin: target.origin,
      isPublic: kindOfAddress(reached) === 'public',
      onClosed: (closed) => pool.forget(closed),
    });
    pool.add(connection);
    return connection;
  };
}

/** The kernel tells no more whom a connection had reached once that was reset. */
const reset = () => Object.assign(new Error('Reset'), { code: 'ECONNRESET' });
const blocked = () => Object.assign(new Error('Target not allowed'), { code: TARGET_BLOCKED });

function secure({ tcp, target, signal }: { tcp: Socket; target: Target; signal: AbortSignal }): Promise<Socket> {
  const { hostname, isAddress } = target;
  return new Promise((resolve, reject) => {
    const onAbort = () => tls.destroy(new Error('Aborted'));
    // Every option that the environment could change is given: NODE_TLS_REJECT_UNAUTHORIZED=0 has no effect here.
    const tls = connectTls({
      socket: tcp,
      host: hostname,
      ...(isAddress ? {} : { servername: hostname }),
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
    });
    tls.once('secureConnect', () => {
      signal.removeEventListener('abort', onAbort);
      resolve(tls);
    });
    tls.on('error', reject);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}
