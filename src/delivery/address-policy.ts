import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { kindOfAddress } from './address-kind.ts';
import { canonicalAddress, embeddedIPv4 } from './ip-address.ts';
import type { Network } from './networks.ts';

/** What `localhost` means to us, whatever a resolver says (RFC 6761 §6.3). */
export const LOCALHOST_ADDRESSES = ['127.0.0.1', '::1'];

export interface AddressPolicy {
  allows(address: string, port: number): boolean;
  /** Whether names of the local network may be looked up at all. */
  readonly opensLocalNames: boolean;
}

export function createAddressPolicy(deps: {
  allowedNetworks: Network[];
  allowLoopback: boolean;
  ownPorts: () => number[];
}): AddressPolicy {
  const { allowedNetworks, allowLoopback, ownPorts } = deps;
  // A list of one family each: BlockList takes an IPv4 address for a member of ::/0.
  const allowed = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { address, prefix, family } of allowedNetworks) allowed[family].addSubnet(address, prefix, family);

  const isListed = (address: string): boolean => {
    if (isIPv4(address)) return allowed.ipv4.check(address);
    if (!allowed.ipv6.check(address, 'ipv6')) return false;
    // Listing 64:ff9b::/96 is how a network with NAT64 reaches IPv4; what is behind it has to be allowed by itself.
    const embedded = kindOfAddress(address) === 'loopback' ? undefined : embeddedIPv4(address);
    return embedded === undefined || isOpen(embedded);
  };
  const isOpen = (address: string): boolean => {
    const kind = kindOfAddress(address);
    if (kind === 'never') return false;
    return kind === 'public' || (kind === 'loopback' && allowLoopback) || isListed(address);
  };
  return {
    allows: (address, port) => isOpen(address) && !(ownPorts().includes(port) && isOfThisMachine(address)),
    opensLocalNames: allowedNetworks.length > 0,
  };
}

function isOfThisMachine(address: string): boolean {
  const own = [address, embeddedIPv4IfAny(address)].filter((form) => form !== undefined).map(canonicalAddress);
  if (own.some((form) => kindOfAddress(form) === 'loopback')) return true;
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .some((entry) => own.includes(canonicalAddress(entry.address)));
}

const embeddedIPv4IfAny = (address: string) => (isIPv4(address) ? undefined : embeddedIPv4(address));
