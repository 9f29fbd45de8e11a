import { hash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { parseApiKeys } from '../../src/api/index.ts';
import { apiUnderTest, HOOK } from './api-under-test.ts';

const SHOP = 'shop'.padEnd(32, '0');
const SHOP_NEXT = 'shop-next'.padEnd(40, '1');
const BANK = 'bank'.padEnd(32, '2');
const ADMIN = 'admin'.padEnd(32, '3');

const keyed = () =>
  apiUnderTest({
    keys: parseApiKeys(`shop=${SHOP},shop=${SHOP_NEXT},bank=sha256:${hash('sha256', BANK)}`),
    adminKeys: parseApiKeys(`root=${ADMIN}`),
  });
const bearer = (secret: string) => ({ Authorization: `Bearer ${secret}` });

describe('API keys', () => {
  it.each([
    ['none', {}],
    ['an unknown one', bearer('x'.repeat(32))],
    ['a known one with one character more', bearer(`${SHOP}0`)],
    ['the digest of a known one', bearer(hash('sha256', BANK))],
    ['the name of a known one', bearer('shop')],
    ['one under another scheme', { Authorization: `Basic ${SHOP}` }],
    ['an empty one', { 'X-API-Key': '' }],
  ])('refuses %s before it reads the body', async (_name, headers) => {
    const { app, store } = keyed();

    const answer = await request(app).post('/timers').set(headers).type('json').send('not even JSON');

    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.body).toMatchObject({ code: 'unauthorized' });
    expect(store.rows.size).toBe(0);
  });

  it.each([
    ['put', '/timers/by-key/a'],
    ['get', '/timers/by-key/a'],
    ['delete', '/timers/by-key/a'],
    ['post', '/timers/batch'],
    ['post', '/timers/import'],
  ] as const)('are asked for by %s %s, before its body is read', async (method, path) => {
    const { app } = keyed();

    const answer = await request(app)[method](path).type('text');

    expect([answer.status, answer.body]).toMatchObject([401, { code: 'unauthorized' }]);
  });

  it.each([
    ['as a bearer', bearer(SHOP), 'shop'],
    ['as a bearer, in lower case', { Authorization: `bearer ${SHOP}` }, 'shop'],
    ['as X-API-Key', { 'X-API-Key': SHOP }, 'shop'],
    ['the second secret of one name', bearer(SHOP_NEXT), 'shop'],
    ['one that is configured by its digest', bearer(BANK), 'bank'],
    ['an admin key', bearer(ADMIN), 'root'],
  ])('lets in %s, and its name owns the timer', async (_name, headers, owner) => {
    const { app, store } = keyed();

    const answer = await request(app).post('/timers').set(headers).send({ url: HOOK });

    expect(answer.status).toBe(201);
    expect([...store.rows.values()]).toMatchObject([{ owner }]);
  });

  it.each([
    ['its owner', SHOP, 200],
    ['its owner with the next secret', SHOP_NEXT, 200],
    ['an admin', ADMIN, 200],
    ['another owner', BANK, 404],
  ])('shows a timer to %s: %s → %i', async (_name, secret, status) => {
    const { app, store } = keyed();
    await request(app).post('/timers').set(bearer(SHOP)).send({ url: HOOK });
    const [id = ''] = store.rows.keys();

    expect((await request(app).get(`/timers/${id}`).set(bearer(secret))).status).toBe(status);
  });

  it('makes timers without an owner where no keys are set', async () => {
    const { app, store } = apiUnderTest();

    await request(app).post('/timers').set(bearer('anything')).send({ url: HOOK });

    expect([...store.rows.values()]).toMatchObject([{ owner: null }]);
  });

  it.each(['/health', '/ready', '/docs', '/redoc', '/openapi.json', '/docs/swagger-ui.css'])(
    'does not ask for a key at %s',
    async (path) => {
      const { app } = keyed();

      expect((await request(app).get(path)).status).toBe(200);
    },
  );
});

describe('parseApiKeys', () => {
  it('reads names and digests, blanks and a trailing comma aside, and keeps no secret', () => {
    const keys = parseApiKeys(` shop=${SHOP} , bank=sha256:${hash('sha256', BANK).toUpperCase()},`);

    expect(keys).toEqual([
      { name: 'shop', digest: hash('sha256', SHOP, 'buffer') },
      { name: 'bank', digest: hash('sha256', BANK, 'buffer') },
    ]);
  });

  it.each([
    ['a short secret', `shop=${'x'.repeat(31)}`, 'the secret of the key "shop" must be at least 32'],
    ['a secret with other characters', `shop=${'x'.repeat(31)}!`, 'the secret of the key "shop" must be at least 32'],
    ['a short digest', 'shop=sha256:abcd', 'the secret of the key "shop" must be at least 32'],
    ['no name', `=${SHOP}`, 'entry 1 needs a name'],
    ['a strange name', `sh op=${SHOP}`, 'entry 1 needs a name'],
    ['a secret without a name', `bank=${BANK},${SHOP}`, 'entry 2 must have the form name=secret'],
    ['one secret under two names', `shop=${SHOP},bank=${SHOP}`, 'the secret of the key "bank" is given twice'],
  ])('refuses %s without repeating any secret', (_name, text, message) => {
    const parse = () => parseApiKeys(text);

    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/x{31}|0000|2222/);
  });
});
