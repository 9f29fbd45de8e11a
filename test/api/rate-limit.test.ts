import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { parseApiKeys, type ApiDeps } from '../../src/api/index.ts';
import { apiUnderTest, HOOK } from './api-under-test.ts';

const SHOP = 'shop'.padEnd(32, '0');
const BANK = 'bank'.padEnd(32, '2');

function limited(overrides: Partial<ApiDeps>) {
  const { app, turn, store } = apiUnderTest(overrides);
  const post = async (headers: Record<string, string> = {}) =>
    (await request(app).post('/timers').set(headers).send({ url: HOOK })).status;
  return { app, turn, store, post };
}

describe('a rate limit', () => {
  it('lets a second’s worth through at once, then as many as have become due', async () => {
    const { post, turn, store } = limited({ rateLimitPerSecond: 3 });

    expect([await post(), await post(), await post(), await post()]).toEqual([201, 201, 201, 429]);
    turn(333);
    expect(await post()).toBe(429);
    turn(1);
    expect([await post(), await post()]).toEqual([201, 429]);
    turn(60_000);
    expect([await post(), await post(), await post(), await post()]).toEqual([201, 201, 201, 429]);
    expect(store.rows.size).toBe(7);
  });

  it('remembers who has just asked when it forgets the others', async () => {
    const { post, turn } = limited({ rateLimitPerSecond: 2 });

    turn(999);
    expect([await post(), await post(), await post()]).toEqual([201, 201, 429]);
    turn(1);
    expect(await post()).toBe(429);
  });

  it('says when to come back', async () => {
    const { app, post } = limited({ rateLimitPerSecond: 0.2 });
    await post();

    const answer = await request(app).get('/timers/0199f1d0-2b1e-7c3a-9a55-6f1f2f0a7b10');

    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.body).toMatchObject({
      code: 'rate_limited',
      detail: 'More than 0.2 requests a second; try again in 5 s.',
    });
  });

  it('counts each key apart, and strangers not at all', async () => {
    const { post } = limited({ rateLimitPerSecond: 1, keys: parseApiKeys(`shop=${SHOP},bank=${BANK}`) });
    const by = (secret: string) => post({ 'X-API-Key': secret });

    expect([await by(SHOP), await by(SHOP), await by('x'), await by(BANK)]).toEqual([201, 429, 401, 201]);
  });

  it('counts each address apart where the API is open, believing only the proxies it was told of', async () => {
    const told = limited({ rateLimitPerSecond: 1, trustProxy: ['127.0.0.1', '::1'] });
    const untold = limited({ rateLimitPerSecond: 1 });
    const from = (address: string) => ({ 'X-Forwarded-For': address });

    expect([await told.post(from('203.0.113.1')), await told.post(from('203.0.113.2'))]).toEqual([201, 201]);
    expect([await untold.post(from('203.0.113.1')), await untold.post(from('203.0.113.2'))]).toEqual([201, 429]);
  });

  it('never holds up health checks and pages', async () => {
    const { app, post } = limited({ rateLimitPerSecond: 1 });
    await post();

    for (const path of ['/health', '/ready', '/docs', '/openapi.json']) {
      expect((await request(app).get(path)).status).toBe(200);
    }
  });
});
