import { isIP } from 'node:net';

/** One spelling per address, so that two can be compared; a zone is dropped. Takes what `net.isIP` accepts. */
export function canonicalAddress(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address.split('%', 1)[0] ?? ''}]`).hostname.slice(1, -1) : address;
}

/**
 * The IPv4 address that an IPv6 address stands for or leads to: mapped and compatible (RFC 4291 §2.5.5), translated
 * (RFC 6052, RFC 8215, RFC 2765), 6to4 (RFC 3056). Undefined for all others.
 */
export function embeddedIPv4(address: string): string | undefined {
  const groups = groupsOf(address);
  const [first = 0, second = 0, third = 0] = groups;
  const zeroes = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0);

  if (first === 0x2002) return dotted(second, third);
  const embeds =
    (zeroes(0, 5) && (groups[5] === 0xffff || groups[5] === 0)) ||
    (zeroes(0, 4) && groups[4] === 0xffff && groups[5] === 0) ||
    (first === 0x64 && second === 0xff9b);
  return embeds ? dotted(groups[6] ?? 0, groups[7] ?? 0) : undefined;
}

function groupsOf(address: string): number[] {
  const [head = '', tail] = canonicalAddress(address).split('::');
  const parse = (text: string) => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)));
  const [left, right] = [parse(head), parse(tail ?? '')];
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

const dotted = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join('.');
