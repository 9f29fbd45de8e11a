/**
 * Why a URL may not be called. One text per class of problem, whatever the network looks like from here: an address that
 * is closed reads the same as a name that leads to one.
 */
export const TARGET_REFUSALS = {
  length: 'The URL must have 1 to 2048 characters.',
  characters:
    'The URL must be printable ASCII without spaces and backslashes: percent-encode the path and write the host in punycode.',
  scheme: 'The URL must begin with http:// or https://, followed by a host.',
  userinfo: 'The URL must not hold a user name or password.',
  fragment: 'The URL must not hold a fragment (#).',
  host: 'The host must be a name, an IPv4 address of four decimal numbers, or an IPv6 address in brackets.',
  port: 'Calls to this port are not allowed: it belongs to another protocol, a database or a control interface.',
  localName:
    'The host is a name of a local network. Such names are looked up only where ALLOWED_NETWORKS says which networks may be called.',
  address:
    'The host is not public. Other networks may be called only if ALLOWED_NETWORKS lists them, and never the metadata services or this service itself.',
} as const;
