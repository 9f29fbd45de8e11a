import { lookup as systemLookup, Resolver } from 'node:dns/promises';
import { isLocalName } from './host-name.ts';
import type { Lookup } from './name-resolver.ts';

/** getaddrinfo holds one of libuv's four threads for as long as the name server likes; the others stay free. */
const SYSTEM_LOOKUPS_AT_ONCE = 2;
const QUERY_TIMEOUT_MS = 1000;
const QUERY_TRIES = 3;

/**
 * Public names are asked of DNS by sockets, so ten thousand dead names hold up nothing; the final dot keeps the search
 * domains of this machine out. Names of the local network go the system's way, as they live in `/etc/hosts` and in search
 * domains. Only where ALLOWED_NETWORKS is set does a local name get this far.
 */
export function createDnsLookup({ servers }: { servers?: string[] }): Lookup {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const enter = createEntrance(SYSTEM_LOOKUPS_AT_ONCE);

  const askSystem: Lookup = async (name) => {
    const leave = await enter();
    try {
      return (await systemLookup(name, { all: true })).map(({ address }) => address);
    } finally {
      leave();
    }
  };
  const askServers: Lookup = async (name) => {
    const answers = await Promise.allSettled([resolver.resolve4(`${name}.`), resolver.resolve6(`${name}.`)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as DnsError] : []));
    // "No such record" of one kind proves nothing while the other kind could not be asked.
    const failure = failures.find(({ code }) => code !== 'ENODATA' && code !== 'ENOTFOUND') ?? failures[0];
    if (addresses.length === 0 && failure !== undefined) throw failure;
    return addresses;
  };
  return (name) => (isLocalName(name) ? askSystem(name) : askServers(name));
}

type DnsError = Error & { code: string };

/** Lets in so many at once; who is let in gets a function to leave by. */
function createEntrance(places: number): () => Promise<() => void> {
  const waiting: (() => void)[] = [];
  let free = places;
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return leave;
  };
}
