import { createHmac } from 'node:crypto';
import type { SigningSecret } from './signing-secrets.ts';

/** Value of `webhook-signature` over the exact bytes; undefined where there is nothing to sign with. */
export type Signer = (message: { id: string; timestamp: number; body: Uint8Array | null }) => string | undefined;

/** Standard Webhooks 1.0.0, symmetric scheme `v1`. Every secret signs, so a receiver can change over in its own time. */
export function createSigner(secrets: SigningSecret[]): Signer {
  if (secrets.length === 0) return () => undefined;
  return ({ id, timestamp, body }) =>
    secrets
      .map(({ key }) => {
        const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`);
        if (body !== null) hmac.update(body);
        return `v1,${hmac.digest('base64')}`;
      })
      .join(' ');
}
