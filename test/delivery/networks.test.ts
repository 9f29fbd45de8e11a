import { describe, expect, it } from '@jest/globals';
import { parseNetworks } from '../../src/delivery/index.ts';

describe('networks', () => {
  it('are CIDRs, or addresses that stand for themselves, separated by commas', () => {
    expect(parseNetworks('10.0.0.0/8, fd00::/8,192.168.1.5 , ::1,')).toEqual([
      { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
      { address: 'fd00::', prefix: 8, family: 'ipv6' },
      { address: '192.168.1.5', prefix: 32, family: 'ipv4' },
      { address: '::1', prefix: 128, family: 'ipv6' },
    ]);
    expect(parseNetworks('')).toEqual([]);
  });

  it.each([
    '10.0.0.0/8/8',
    'localhost',
    '10.0.0/8',
    '10.0.0.256/8',
    '010.0.0.0/8',
    'fd00::%eth0/8',
    'fe80::1%eth0',
    '::ffff:10.0.0.0/104',
    '/8',
  ])('are not %j', (entry) => {
    expect(() => parseNetworks(`10.0.0.0/8,${entry}`)).toThrow(
      `"${entry}" is no network; write it like 10.0.0.0/8 or fd00::/8`,
    );
  });

  it.each([
    ['10.0.0.0/33', 32],
    ['10.0.0.0/', 32],
    ['10.0.0.0/-1', 32],
    ['10.0.0.0/8.5', 32],
    ['10.0.0.0/255.0.0.0', 32],
    ['fd00::/129', 128],
  ])('do not have the prefix length of %j', (entry, bits) => {
    expect(() => parseNetworks(entry)).toThrow(`"${entry}" needs a prefix length from 0 to ${bits}`);
  });
});
