import { isIPv4, isIPv6 } from 'node:net';

export interface Network {
  address: string;
  /** Leading bits that count. */
  prefix: number;
  family: 'ipv4' | 'ipv6';
}

/** Reads a comma-separated list of CIDRs; an address alone stands for itself. Throws an Error that names the wrong entry. */
export function parseNetworks(text: string): Network[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parseNetwork);
}

function parseNetwork(entry: string): Network {
  const [address = '', prefixText, ...rest] = entry.split('/');
  const family = familyOf(address);
  if (family === undefined || rest.length > 0) {
    throw new Error(`"${entry}" is no network; write it like 10.0.0.0/8 or fd00::/8`);
  }
  const bits = family === 'ipv4' ? 32 : 128;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (!/^\d{1,3}$/.test(prefixText ?? '0') || prefix > bits) {
    throw new Error(`"${entry}" needs a prefix length from 0 to ${bits}`);
  }
  return { address, prefix, family };
}

/** Zones name an interface of this machine, and IPv4 in IPv6 spelling would open the same network twice: neither is taken. */
function familyOf(address: string): Network['family'] | undefined {
  if (isIPv4(address)) return 'ipv4';
  return isIPv6(address) && !address.includes('%') && !/^[0:]*ffff:/i.test(address) ? 'ipv6' : undefined;
}
