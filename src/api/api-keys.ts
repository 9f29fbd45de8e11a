import { hash } from 'node:crypto';

/** A key that may use the API. The secret itself is not kept. */
export interface ApiKey {
  /** Becomes the owner of the timers made with it. */
  name: string;
  /** SHA-256 of the secret, 32 bytes. */
  digest: Buffer;
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const SECRET = /^[A-Za-z0-9_-]{32,}$/;
const DIGEST = /^sha256:([0-9a-f]{64})$/i;

/**
 * Reads `name=secret,…`; a secret is at least 32 characters of `[A-Za-z0-9_-]`, or `sha256:<hex>`. One name may have
 * several secrets (rotation). Throws an Error for people to read, which never repeats a secret.
 */
export function parseApiKeys(text: string): ApiKey[] {
  const keys = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parseApiKey);
  const repeated = keys.find((key, index) => keys.slice(0, index).some(({ digest }) => digest.equals(key.digest)));
  if (repeated) throw new Error(`the secret of the key "${repeated.name}" is given twice; every key needs its own`);
  return keys;
}

function parseApiKey(entry: string, index: number): ApiKey {
  const [name = '', ...rest] = entry.split('=');
  const secret = rest.join('=');
  // The entry may be nothing but a secret, so only its position is told.
  if (rest.length === 0) throw new Error(`entry ${index + 1} must have the form name=secret`);
  if (!NAME.test(name)) {
    throw new Error(
      `entry ${index + 1} needs a name of 1 to 64 letters, digits, dots, dashes or underscores before "="`,
    );
  }
  const digest = DIGEST.exec(secret)?.[1];
  if (digest !== undefined) return { name, digest: Buffer.from(digest, 'hex') };
  if (!SECRET.test(secret)) {
    throw new Error(
      `the secret of the key "${name}" must be at least 32 letters, digits, dashes or underscores, or sha256:<64 hex digits>`,
    );
  }
  return { name, digest: hash('sha256', secret, 'buffer') };
}
