import type { TargetPolicy } from '../timers/index.ts';
import { LOCALHOST_ADDRESSES, type AddressPolicy } from './address-policy.ts';
import { isLocalName } from './host-name.ts';
import { parseTarget, type Target } from './target.ts';
import { TARGET_REFUSALS } from './target-refusals.ts';

/** The first gate: what can be said of a URL without looking up its host. The second one is the connector. */
export interface TargetGate extends TargetPolicy {
  /** What every attempt asks anew, as a row may have been written under other settings; addresses are left to the connector. */
  parse(url: string): { target: Target } | { refusal: string };
}

/** Timers of one client mostly share few URLs, and parsing one costs as much as sending a tenth of a request. */
const PARSED_KEPT = 1000;

export function createTargetGate({ policy }: { policy: AddressPolicy }): TargetGate {
  const parsed = new Map<string, { target: Target } | { refusal: string }>();

  const parse = (url: string) => {
    const known = parsed.get(url);
    if (known !== undefined) return known;
    if (parsed.size >= PARSED_KEPT) parsed.clear();
    const fresh = parseTarget(url);
    const isClosed = 'target' in fresh && needsOpening(fresh.target);
    const result = isClosed ? { refusal: TARGET_REFUSALS.localName } : fresh;
    parsed.set(url, result);
    return result;
  };
  const needsOpening = ({ isAddress, hostname }: Target) =>
    !isAddress && hostname !== 'localhost' && isLocalName(hostname) && !policy.opensLocalNames;

  return {
    parse,
    refusalOf(url) {
      const result = parse(url);
      if ('refusal' in result) return result.refusal;
      const { isAddress, hostname, port } = result.target;
      const addresses = isAddress ? [hostname] : hostname === 'localhost' ? LOCALHOST_ADDRESSES : undefined;
      if (addresses === undefined || addresses.some((address) => policy.allows(address, port))) return undefined;
      return TARGET_REFUSALS.address;
    },
  };
}
