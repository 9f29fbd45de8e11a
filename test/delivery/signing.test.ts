import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { parseSigningSecrets } from '../../src/delivery/index.ts';
import type { ClaimedTimer } from '../../src/timers/index.ts';
import { startHttpReceiver } from '../support/receiver.ts';
import { openDelivery, TIMER_ID } from './under-test.ts';

const secretOf = (bytes: number) => `whsec_${randomBytes(bytes).toString('base64')}`;

/** What a receiver gets when these secrets sign at the present time, which the verifier insists on. */
async function received(secrets: string[], over: Partial<ClaimedTimer> = {}) {
  await using receiver = await startHttpReceiver();
  await using delivery = openDelivery({
    signingSecrets: parseSigningSecrets(secrets.join(',')),
    storeNow: () => Date.now(),
  });
  await delivery.perform({ ...over, url: receiver.url });
  const [request] = receiver.requests;
  if (request === undefined) throw new Error('Nothing was received');
  return { body: request.body, headers: request.headers as Record<string, string> };
}

describe('a signed request', () => {
  it.each([24, 32, 64])('is verified by the independent package with a secret of %i bytes', async (bytes) => {
    const secret = secretOf(bytes);

    const { body, headers } = await received([secret]);

    expect(new Webhook(secret).verify(body, headers)).toEqual({ id: TIMER_ID });
  });

  it('is verified with the old secret and the new one while they are changed over', async () => {
    const [before, after] = [secretOf(32), secretOf(32)];

    const { body, headers } = await received([before, after]);

    expect(headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
    expect(new Webhook(before).verify(body, headers)).toEqual({ id: TIMER_ID });
    expect(new Webhook(after).verify(body, headers)).toEqual({ id: TIMER_ID });
  });

  it('is not verified with another secret, another body, another id or another time', async () => {
    const secret = secretOf(32);
    const { body, headers } = await received([secret]);
    const verify = (over: { secret?: string; body?: string; headers?: Record<string, string> }) => () =>
      new Webhook(over.secret ?? secret).verify(over.body ?? body, { ...headers, ...over.headers });

    expect(verify({})).not.toThrow();
    expect(verify({ secret: secretOf(32) })).toThrow(WebhookVerificationError);
    expect(verify({ body: `{"id": "${TIMER_ID}"}` })).toThrow(WebhookVerificationError);
    expect(verify({ headers: { 'webhook-id': 'other' } })).toThrow(WebhookVerificationError);
    const later = String(Number(headers['webhook-timestamp']) + 1);
    expect(verify({ headers: { 'webhook-timestamp': later } })).toThrow(WebhookVerificationError);
  });

  it('covers the exact bytes of a body that is no text', async () => {
    const secret = secretOf(32);
    const bytes = new Uint8Array([0xff, 0xfe, 0, 1, 2]);

    const { body, headers } = await received([secret], { body: bytes, bodyBytes: bytes.length, run: 1 });

    const signed = Buffer.concat([Buffer.from(`${TIMER_ID}_1.${headers['webhook-timestamp'] ?? ''}.`), bytes]);
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    expect(new Uint8Array(body)).toEqual(bytes);
  });

  it('without a body signs the empty one', async () => {
    const secret = secretOf(32);

    const { headers } = await received([secret], { method: 'GET' });

    expect(() => new Webhook(secret).verify('', headers, { jsonParse: false })).not.toThrow();
    expect(() => new Webhook(secret).verify(' ', headers, { jsonParse: false })).toThrow(WebhookVerificationError);
  });

  it('carries no signature where there is no secret', async () => {
    expect((await received([])).headers).not.toHaveProperty('webhook-signature');
  });
});

describe('signing secrets', () => {
  it('are separated by commas, and blanks around them are dropped', () => {
    expect(parseSigningSecrets('')).toEqual([]);
    expect(parseSigningSecrets(` ${secretOf(24)} , ${secretOf(64)},`)).toHaveLength(2);
  });

  it('may leave out the padding of base64', () => {
    expect(parseSigningSecrets(secretOf(25).replace(/=+$/, ''))).toHaveLength(1);
  });

  it.each([
    ['without the prefix', randomBytes(32).toString('base64'), 'must begin with "whsec_"'],
    ['with the prefix of a private key', `whsk_${randomBytes(32).toString('base64')}`, 'must begin with "whsec_"'],
    ['that is no base64', `whsec_${'!'.repeat(40)}`, 'must be base64 after "whsec_"'],
    ['in the base64 of URLs', `whsec_${Buffer.alloc(32, 0xff).toString('base64url')}`, 'must be base64 after "whsec_"'],
    ['that is empty', 'whsec_', 'has 0 bytes; it must have 24 to 64'],
    ['that is too short', secretOf(23), 'has 23 bytes; it must have 24 to 64'],
    ['that is too long', secretOf(65), 'has 65 bytes; it must have 24 to 64'],
  ])('refuse one %s, by its place and not by its text', (_what, entry, message) => {
    const parse = () => parseSigningSecrets(`${secretOf(32)},${entry}`);

    expect(parse).toThrow(new Error(`Signing secret 2 ${message}`));
  });
});
