/** RFC 6761, RFC 7686: names that no resolver should be asked for. */
const CLOSED_SUFFIXES = ['localhost', 'invalid', 'onion'];

/** Suffixes of home, office and cluster networks (RFC 6762, RFC 8375, ICANN's `internal`, Kubernetes, Consul, Docker). */
const LOCAL_SUFFIXES = [
  'local',
  'localdomain',
  'internal',
  'intranet',
  'private',
  'lan',
  'home',
  'home.arpa',
  'corp',
  'test',
  'svc',
  'cluster',
  'consul',
  'docker',
];

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const LONGEST_NAME = 253;

/** Whether it is a host name in lower case, without a final dot, that cannot be taken for a number. */
export function isHostName(name: string): boolean {
  const labels = name.split('.');
  return name.length <= LONGEST_NAME && labels.every((label) => LABEL.test(label)) && /[a-z]/.test(labels.at(-1) ?? '');
}

export const isClosedName = (name: string): boolean => hasSuffix(name, CLOSED_SUFFIXES);

/** A name that means something only inside some network: one without a dot, or under a suffix that is nobody's. */
export const isLocalName = (name: string): boolean => !name.includes('.') || hasSuffix(name, LOCAL_SUFFIXES);

const hasSuffix = (name: string, suffixes: string[]) =>
  suffixes.some((suffix) => name === suffix || name.endsWith(`.${suffix}`));
