import { BlockList } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { kindOfAddress } from '../../src/delivery/address-kind.ts';
import { canonicalAddress, embeddedIPv4 } from '../../src/delivery/ip-address.ts';

const toIPv4 = (bits: number) => [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join('.');
const toGroups = (bits: number) => `${(bits >>> 16).toString(16)}:${(bits & 0xffff).toString(16)}`;
const anyBits = fc.integer({ min: 0, max: 0xffffffff });

describe('the kind of an address', () => {
  it('is never public where an IPv6 address holds an IPv4 one, and never callable where that is not', () => {
    const prefixes = ['::ffff:', '::ffff:0:', '64:ff9b::', '64:ff9b:1::', '::'];

    fc.assert(
      fc.property(anyBits, fc.constantFrom(...prefixes), (bits, prefix) => {
        const [plain, embedding] = [toIPv4(bits), `${prefix}${toGroups(bits)}`];
        fc.pre(embedding !== '::0:1' && embedding !== '::0:0');

        expect(embeddedIPv4(embedding)).toBe(plain);
        expect(kindOfAddress(embedding)).toBe(kindOfAddress(plain) === 'never' ? 'never' : 'private');
      }),
      { numRuns: 2000 },
    );
  });

  it('does not depend on how an IPv6 address is written', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(kindOfAddress(canonicalAddress(address))).toBe(kindOfAddress(address));
      }),
      { numRuns: 2000 },
    );
  });

  it('is public only inside 2000::/3, of all IPv6 addresses', () => {
    const globalUnicast = new BlockList();
    globalUnicast.addSubnet('2000::', 3, 'ipv6');

    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        fc.pre(kindOfAddress(address) === 'public');
        expect(globalUnicast.check(address, 'ipv6')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
