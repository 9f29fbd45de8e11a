import { describe, expect, it } from '@jest/globals';
import { parseNetworks } from '../../src/delivery/index.ts';
import { TARGET_REFUSALS } from '../../src/delivery/target-refusals.ts';
import { openDelivery } from './under-test.ts';

const closed = openDelivery({ allowLoopback: false }).targets;
const loopbackOpen = openDelivery({ allowLoopback: true, ownPorts: () => [8080] }).targets;
const networksOpen = openDelivery({
  allowLoopback: false,
  allowedNetworks: parseNetworks('10.0.0.0/8, fd12::/16'),
}).targets;
const everythingOpen = openDelivery({
  allowedNetworks: parseNetworks('0.0.0.0/0, ::/0'),
  ownPorts: () => [8080],
}).targets;

const PUBLIC_URLS = [
  'https://example.com',
  'https://example.com/',
  'http://example.com/hook',
  'HTTPS://EXAMPLE.COM/Hook',
  'https://example.com:443/',
  'http://example.com:80/',
  'http://example.com:8080/a',
  'https://example.com:8443/a/b/c',
  'https://example.com:3000',
  'https://example.com:65535/',
  'https://sub.sub2.example.co.uk/hook?a=1&b=2',
  'https://example.com?x=1',
  'https://example.com/?',
  'https://example.com/a%20b/%C3%A4',
  'https://example.com/a//b/',
  'https://example.com/@user/:id;v=1,2',
  'https://example.com/?url=http://127.0.0.1/',
  'https://example.com/?mail=me@example.org',
  "https://example.com/!$&'()*+,;=~_.-",
  'https://example.com/[1]{2}|^`"<>',
  'https://xn--mnchen-3ya.de/',
  'https://my_service.example.com/',
  'https://a.b',
  'https://1and1.com/',
  'https://0.pool.example.com/',
  'https://127.0.0.1.nip.io/',
  'https://localhost.example.com/',
  'https://internal.example.com/',
  'https://onion.example.com/',
  'http://1.1.1.1/',
  'http://8.8.8.8:8080/hook',
  'http://93.184.216.34/',
  'http://172.15.255.255/',
  'http://172.32.0.0/',
  'http://100.63.255.255/',
  'http://100.128.0.0/',
  'http://223.255.255.255/',
  'http://[2606:2800:220:1:248:1893:25c8:1946]/',
  'http://[2606:4700:4700::1111]:8080/hook',
  'http://[2A00:1450:4001:0813:0000:0000:0000:200E]/',
  'https://[2001:200::1]/',
  `https://example.com/${'a'.repeat(2028)}`,
];

/** What `new URL()` would repair, or read otherwise than it looks. */
const MISSPELLED_URLS = [
  '',
  ' ',
  'example.com',
  '//example.com/',
  '/hook',
  'http:',
  'http:/',
  'http://',
  'http:///',
  'http:example.com',
  'http:/example.com',
  'http:///example.com/',
  'http:////example.com/',
  'http:\\\\example.com/',
  'http:/\\example.com/',
  'http://example.com\\@127.0.0.1/',
  'http://example.com\\.evil.com/',
  'https://example.com/a\\b',
  ' http://example.com/',
  'http://example.com/ ',
  'http://example.com/a b',
  'ht\ntp://example.com/',
  'http://exa\tmple.com/',
  'http://example.com/\r\nHost: evil',
  'http://example.com/\0',
  'http://example.com/\x7f',
  'http://exämple.com/',
  'http://example.com/ä',
  'http://ⓔxample.com/',
  'http://example。com/',
  'http://①②⑦.⓪.⓪.①/',
  'http://127。0。0。1/',
  'http://exam\u00adple.com/',
  'http://\u200bexample.com/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'file://example.com/etc/passwd',
  'gopher://example.com:6379/_x',
  'dict://example.com:11211/stat',
  'ldap://example.com/',
  'ws://example.com/',
  'wss://example.com/',
  'data:text/plain,hello',
  'javascript:alert(1)',
  'unix:/var/run/docker.sock',
  'http://unix:/var/run/docker.sock:/containers/json',
  'http+unix://%2Fvar%2Frun%2Fdocker.sock/',
  'blob:http://example.com/x',
  'view-source:http://example.com/',
  'jar:http://example.com!/',
  'httpx://example.com/',
  'http//example.com/',
  'http::example.com/',
  'http://user@example.com/',
  'http://user:pass@example.com/',
  'http://:pass@example.com/',
  'http://@example.com/',
  'http://user@127.0.0.1/',
  'http://example.com@127.0.0.1/',
  'http://127.0.0.1@example.com/',
  'http://a@b@example.com/',
  'http://example.com/#',
  'http://example.com/#fragment',
  'http://example.com#@127.0.0.1/',
  'http://127.0.0.1#.example.com/',
  'http://?',
  'http://?x=1',
  'http://#x',
  'http://:80/',
  'http://example.com:/',
  'http://example.com:0/',
  'http://example.com:080/',
  'http://example.com:00443/',
  'http://example.com:65536/',
  'http://example.com:99999/',
  'http://example.com:-1/',
  'http://example.com:8e1/',
  'http://example.com:0x50/',
  'http://example.com:80:80/',
  'http://example.com:http/',
  'http://ex%61mple.com/',
  'http://example%2ecom/',
  'http://%65xample.com/',
  'http://example.com%00.evil.com/',
  'http://example.com%2f@evil.com/',
  'http://%/',
  'http://exam ple.com/',
  'http://example..com/',
  'http://.example.com/',
  'http://example.com./',
  'http://example.com../',
  'http://./',
  'http://../',
  'http://-example.com/',
  'http://example-.com/',
  'http://example.-com/',
  'http://exa$mple.com/',
  'http://exa*mple.com/',
  'http://*.example.com/',
  'http://exa,mple.com/',
  'http://exa;mple.com/',
  'http://exa!mple.com/',
  'http://exa|mple.com/',
  'http://exa^mple.com/',
  'http://exa`mple.com/',
  'http://exa{mple}.com/',
  'http://exa<mple>.com/',
  'http://exa"mple.com/',
  "http://exa'mple.com/",
  'http://exa=mple.com/',
  'http://exa+mple.com/',
  'http://exa&mple.com/',
  'http://(example).com/',
  'http://example.123/',
  'http://example.0x1/',
  'http://xn--a.xn--/',
  `http://${'a'.repeat(64)}.com/`,
  `http://${'a.'.repeat(127)}com/`,
  `https://example.com/${'a'.repeat(2029)}`,
  'http://256.256.256.256/',
  'http://1.2.3.4.5/',
  'http://1.2.3.256/',
  'http://1.2.3/',
  'http://1.2/',
  'http://1/',
  'http://08.8.8.8/',
  'http://8.8.8.010/',
  'http://8.8.8.8./',
  'http://0x8.8.8.8/',
  'http://134744072/',
  'http://0x08080808/',
  'http://01002004010/',
  'http://8.526344/',
  'http://8.8.2056/',
  'http://127.1/',
  'http://127.0.1/',
  'http://127.0.0.1./',
  'http://0127.0.0.1/',
  'http://0177.0.0.1/',
  'http://0177.0.0.01/',
  'http://00000177.0.0.1/',
  'http://0x7f.0.0.1/',
  'http://0x7F.0x0.0x0.0x1/',
  'http://0x7f.1/',
  'http://0x7f000001/',
  'http://0X7F000001/',
  'http://2130706433/',
  'http://02130706433/',
  'http://017700000001/',
  'http://0/',
  'http://0x0/',
  'http://00000000000/',
  'http://4294967295/',
  'http://4294967296/',
  'http://2852039166/',
  'http://0xa9fea9fe/',
  'http://0251.0376.0251.0376/',
  'http://169.254.43518/',
  'http://0xa9.0xfe.0xa9.0xfe/',
  'http://167772161/',
  'http://0xc0a80001/',
  'http://192.168.257/',
  'http://10.1/',
  'http://[]/',
  'http://[1]/',
  'http://[::1/',
  'http://::1]/',
  'http://::1/',
  'http://::ffff:127.0.0.1/',
  'http://[127.0.0.1]/',
  'http://[example.com]/',
  'http://[::1]x/',
  'http://[::1].com/',
  'http://[::1]:/',
  'http://[::1%25lo]/',
  'http://[::1%lo]/',
  'http://[fe80::1%25eth0]/',
  'http://[fe80::1%eth0]/',
  'http://[:::1]/',
  'http://[1:2:3:4:5:6:7]/',
  'http://[1:2:3:4:5:6:7:8:9]/',
  'http://[1::2::3]/',
  'http://[12345::1]/',
  'http://[::127.0.0.256]/',
  'http://[::0x7f.1]/',
  'http://[v1.x]/',
  'http://foo.localhost/',
  'http://localhost.localhost/',
  'http://localhost./',
  'http://LOCALHOST./',
  'http://a.invalid/',
  'http://invalid/',
  'http://expyuzz4wqqyqhjn.onion/',
];

const NON_PUBLIC_ADDRESSES = [
  '0.0.0.0',
  '0.0.0.1',
  '0.255.255.255',
  '10.0.0.0',
  '10.1.2.3',
  '10.255.255.255',
  '100.64.0.0',
  '100.100.100.200',
  '100.127.255.255',
  '127.0.0.0',
  '127.0.0.1',
  '127.0.1.1',
  '127.127.127.127',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.0.0',
  '169.254.42.42',
  '169.254.169.253',
  '169.254.169.254',
  '169.254.170.2',
  '169.254.255.255',
  '172.16.0.0',
  '172.17.0.1',
  '172.31.255.255',
  '192.0.0.0',
  '192.0.0.170',
  '192.0.0.192',
  '192.0.0.255',
  '192.0.2.1',
  '192.31.196.1',
  '192.52.193.1',
  '192.88.99.1',
  '192.168.0.0',
  '192.168.1.1',
  '192.168.255.255',
  '192.175.48.1',
  '198.18.0.0',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.0',
  '224.0.0.251',
  '239.255.255.255',
  '240.0.0.0',
  '255.255.255.254',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[0000:0000:0000:0000:0000:0000:0000:0001]',
  '[::0001]',
  '[::2]',
  '[::127.0.0.1]',
  '[::7f00:1]',
  '[::a9fe:a9fe]',
  '[::8.8.8.8]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::FFFF:7F00:0001]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
  '[::ffff:10.0.0.1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[::ffff:8.8.8.8]',
  '[::ffff:0.0.0.0]',
  '[::ffff:0:127.0.0.1]',
  '[::ffff:0:a9fe:a9fe]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b::8.8.8.8]',
  '[64:ff9b:1::7f00:1]',
  '[100::1]',
  '[100:0:0:1::1]',
  '[2001::1]',
  '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
  '[2001:2::1]',
  '[2001:10::1]',
  '[2001:20::1]',
  '[2001:1ff:ffff::1]',
  '[2001:db8::1]',
  '[2001:db8:85a3::8a2e:370:7334]',
  '[2002:7f00:1::]',
  '[2002:a9fe:a9fe::1]',
  '[2002:808:808::1]',
  '[2620:4f:8000::1]',
  '[3fff::1]',
  '[4000::1]',
  '[5f00::1]',
  '[8000::1]',
  '[fc00::1]',
  '[fd00::1]',
  '[fd00:ec2::254]',
  '[fd20:ce::254]',
  '[fdff:ffff::1]',
  '[fe80::1]',
  '[febf::1]',
  '[fec0::1]',
  '[feff::1]',
  '[ff00::1]',
  '[ff02::1]',
  '[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]',
];

const LOCAL_NAMES = [
  'a',
  'intranet',
  'metadata',
  'instance-data',
  'mysql',
  'kubernetes',
  'db_1',
  'printer.local',
  'a.b.local',
  'host.docker.internal',
  'metadata.google.internal',
  'ip-10-0-0-1.ec2.internal',
  'nas.lan',
  'router.home',
  'router.home.arpa',
  'mail.corp',
  'mail.localdomain',
  'db.private',
  'wiki.intranet',
  'hooks.test',
  'api.default.svc',
  'api.default.svc.cluster.local',
  'kubernetes.default.svc',
  'vault.service.consul',
  'web.docker',
];

const NEVER = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.0.1',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '[::]',
  '[fd00:ec2::254]',
  '[fd20:ce::254]',
  '[fe80::1]',
  '[ff02::1]',
  '[::ffff:169.254.169.254]',
  '[::a9fe:a9fe]',
  '[64:ff9b::a9fe:a9fe]',
  '[2002:a9fe:a9fe::1]',
];

describe('the first gate, with everything closed', () => {
  it.each(PUBLIC_URLS)('lets %s through', (url) => {
    expect(closed.refusalOf(url)).toBeUndefined();
  });

  it.each(MISSPELLED_URLS)('refuses the spelling %j', (url) => {
    const refusal = closed.refusalOf(url);

    expect(Object.values(TARGET_REFUSALS)).toContain(refusal);
    expect(everythingOpen.refusalOf(url)).toBe(refusal);
  });

  it.each(NON_PUBLIC_ADDRESSES)('refuses the address %s in the same words as every other', (host) => {
    expect(closed.refusalOf(`http://${host}/`)).toBe(TARGET_REFUSALS.address);
    expect(closed.refusalOf(`https://${host}:8443/a?b`)).toBe(TARGET_REFUSALS.address);
  });

  it.each(LOCAL_NAMES)('refuses the name %s and names the setting that would open it', (host) => {
    expect(closed.refusalOf(`http://${host}/`)).toBe(TARGET_REFUSALS.localName);
    expect(TARGET_REFUSALS.localName).toContain('ALLOWED_NETWORKS');
  });

  it('refuses localhost like any address that is not public', () => {
    expect(closed.refusalOf('http://localhost:3000/')).toBe(TARGET_REFUSALS.address);
    expect(TARGET_REFUSALS.address).toContain('ALLOWED_NETWORKS');
  });

  it('refuses the ports of other protocols, databases and control interfaces, wherever they are', () => {
    const ports = [
      1, 21, 22, 23, 25, 53, 110, 143, 389, 445, 587, 1433, 1521, 2375, 2379, 3306, 3389, 5432, 5672, 5900,
    ];
    const more = [
      5984, 6000, 6379, 6667, 7199, 9042, 9092, 9200, 9300, 10080, 10250, 10255, 11211, 26379, 27017, 33060,
    ];

    for (const port of [...ports, ...more]) {
      expect([port, closed.refusalOf(`http://example.com:${port}/`)]).toEqual([port, TARGET_REFUSALS.port]);
      expect([port, loopbackOpen.refusalOf(`http://localhost:${port}/`)]).toEqual([port, TARGET_REFUSALS.port]);
    }
  });
});

describe('the first gate, opened', () => {
  it('lets a newcomer call a receiver on localhost, on all the usual ports', () => {
    for (const port of [80, 443, 1234, 3000, 3001, 4000, 4200, 5000, 5173, 8000, 8081, 8888, 9000, 9999, 49152]) {
      for (const host of ['localhost', 'LocalHost', '127.0.0.1', '127.1.2.3', '[::1]']) {
        expect(loopbackOpen.refusalOf(`http://${host}:${port}/hook`)).toBeUndefined();
      }
    }
  });

  it('opens no other network with the loopback', () => {
    for (const host of NON_PUBLIC_ADDRESSES.filter((address) => !/^(127|\[(0*:)+0*1\])/.test(address))) {
      expect([host, loopbackOpen.refusalOf(`http://${host}/`)]).toEqual([host, TARGET_REFUSALS.address]);
    }
    expect(loopbackOpen.refusalOf('http://intranet/')).toBe(TARGET_REFUSALS.localName);
  });

  it('never lets the service call itself, however its own address is written', () => {
    for (const host of ['localhost', '127.0.0.1', '127.0.0.2', '[::1]', '0.0.0.0', '[::ffff:127.0.0.1]']) {
      expect([host, loopbackOpen.refusalOf(`http://${host}:8080/`)]).toEqual([host, TARGET_REFUSALS.address]);
      expect([host, everythingOpen.refusalOf(`http://${host}:8080/`)]).toEqual([host, TARGET_REFUSALS.address]);
    }
  });

  it('lets through exactly the networks that are listed', () => {
    expect(networksOpen.refusalOf('http://10.1.2.3:3000/')).toBeUndefined();
    expect(networksOpen.refusalOf('http://[fd12::1]/')).toBeUndefined();
    for (const host of ['11.0.0.1', 'example.com']) expect(networksOpen.refusalOf(`http://${host}/`)).toBeUndefined();
    for (const host of ['192.168.1.1', '127.0.0.1', 'localhost', '[fd13::1]', '[::ffff:10.1.2.3]', '[::1]']) {
      expect([host, networksOpen.refusalOf(`http://${host}/`)]).toEqual([host, TARGET_REFUSALS.address]);
    }
  });

  it.each(LOCAL_NAMES)('leaves the name %s to the second gate once a network is listed', (host) => {
    expect(networksOpen.refusalOf(`http://${host}/`)).toBeUndefined();
  });

  it('does not take an IPv4 address for a member of a listed IPv6 network', () => {
    const { targets } = openDelivery({ allowLoopback: false, allowedNetworks: parseNetworks('::/0') });

    expect(targets.refusalOf('http://10.0.0.1/')).toBe(TARGET_REFUSALS.address);
    expect(targets.refusalOf('http://[::ffff:10.0.0.1]/')).toBe(TARGET_REFUSALS.address);
    expect(targets.refusalOf('http://[fd00::1]/')).toBeUndefined();
  });

  it('reaches public addresses through a listed NAT64 prefix, and nothing private behind it', () => {
    const { targets } = openDelivery({ allowLoopback: false, allowedNetworks: parseNetworks('64:ff9b::/96') });

    expect(targets.refusalOf('http://[64:ff9b::8.8.8.8]/')).toBeUndefined();
    expect(targets.refusalOf('http://[64:ff9b::10.0.0.1]/')).toBe(TARGET_REFUSALS.address);
  });

  it.each(NEVER)('never lets %s through, though every network is listed', (host) => {
    expect(everythingOpen.refusalOf(`http://${host}/`)).toBe(TARGET_REFUSALS.address);
  });
});
