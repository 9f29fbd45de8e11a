import { BlockList, isIPv4 } from 'node:net';
import { embeddedIPv4 } from './ip-address.ts';

/**
 * `never` is closed to every setting: metadata services, which hand out credentials to whoever asks, and addresses that
 * lead to no other machine. `private` is everything else that is not reachable from the whole internet.
 */
export type AddressKind = 'public' | 'loopback' | 'private' | 'never';

const NEVER_IPV4 = [
  '0.0.0.0/8', // this host
  '169.254.0.0/16', // link-local, and on it the metadata services of AWS, Google, Azure, Oracle, DigitalOcean, Hetzner, Scaleway
  '100.100.100.200/32', // metadata at Alibaba
  '168.63.129.16/32', // Azure's wire server
  '192.0.0.192/32', // metadata at Oracle
  '224.0.0.0/4', // multicast
  '255.255.255.255/32', // broadcast
];
const NEVER_IPV6 = [
  '::/128',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::/32', // metadata, credentials, name server and time server at AWS
  'fd20:ce::254/128', // metadata at Google
  'fd00:42::42/128', // metadata at Scaleway
  'fd00:c1::a9fe:a9fe/128', // metadata at Oracle
];

/** IANA IPv4 Special-Purpose Address Registry (RFC 6890), without those above and the loopback. */
const PRIVATE_IPV4 = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
];

/** Of IPv6 only what IANA gives out as global unicast counts as public, less the special blocks in it (RFC 6890). */
const PUBLIC_IPV6 = ['2000::/3'];
const PRIVATE_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const never4 = listOf('ipv4', NEVER_IPV4);
const never6 = listOf('ipv6', NEVER_IPV6);
const private4 = listOf('ipv4', PRIVATE_IPV4);
const private6 = listOf('ipv6', PRIVATE_IPV6);
const public6 = listOf('ipv6', PUBLIC_IPV6);
const loopback4 = listOf('ipv4', ['127.0.0.0/8']);
const loopback6 = listOf('ipv6', ['::1/128']);

/** Takes what `net.isIP` accepts. An IPv6 address that holds an IPv4 one is at best `private`. */
export function kindOfAddress(address: string): AddressKind {
  if (isIPv4(address)) {
    if (never4.check(address)) return 'never';
    if (loopback4.check(address)) return 'loopback';
    return private4.check(address) ? 'private' : 'public';
  }
  if (never6.check(address, 'ipv6')) return 'never';
  if (loopback6.check(address, 'ipv6')) return 'loopback';
  const embedded = embeddedIPv4(address);
  if (embedded !== undefined) return kindOfAddress(embedded) === 'never' ? 'never' : 'private';
  return public6.check(address, 'ipv6') && !private6.check(address, 'ipv6') ? 'public' : 'private';
}

function listOf(family: 'ipv4' | 'ipv6', networks: string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
