import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { parseApiKeys } from '../../src/api/index.ts';
import { apiUnderTest } from './api-under-test.ts';

const SHOP = 'shop'.padEnd(32, '0');
const ADMIN = 'admin'.padEnd(32, '3');
const TEXT = 'punctual_ready 1\n';

function counting(overrides: Parameters<typeof apiUnderTest>[0] = {}) {
  const answered: object[] = [];
  const metrics = {
    onAnswered: (answer: object) => void answered.push(answer),
    text: () => Promise.resolve(TEXT),
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
  };
  return { ...apiUnderTest({ metrics, ...overrides }), answered };
}

describe('GET /metrics', () => {
  it('gives what the replica counts of itself, in the format that Prometheus asks for', async () => {
    const answer = await request(counting().app).get('/metrics');

    expect([answer.status, answer.text]).toEqual([200, TEXT]);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    });
  });

  it('is there on a replica that only schedules, since it is that which is late or not', async () => {
    expect((await request(counting({ serveTimers: false }).app).get('/metrics')).status).toBe(200);
  });

  it('is shown to admin keys alone, where there are keys, on every replica', async () => {
    for (const serveTimers of [true, false]) {
      const { app } = counting({
        serveTimers,
        keys: parseApiKeys(`shop=${SHOP}`),
        adminKeys: parseApiKeys(`ops=${ADMIN}`),
      });
      const statusFor = async (headers: Record<string, string>) =>
        (await request(app).get('/metrics').set(headers)).status;

      expect(await statusFor({})).toBe(401);
      expect(await statusFor({ 'X-API-Key': SHOP })).toBe(404);
      expect(await statusFor({ Authorization: `Bearer ${ADMIN}` })).toBe(200);
    }
  });

  it('is not shown to a web page that borrows the open service of its reader', async () => {
    const { app } = counting({ loopbackOnly: true });
    expect((await request(app).get('/metrics').set('Host', 'attacker.example')).status).toBe(403);
  });
});

describe('Every answer', () => {
  it('is counted by its route, never by the path, which may carry words of a client', async () => {
    const { app, answered } = counting();
    await request(app).get('/timers/0197aaaa-0000-7000-8000-000000000000');
    await request(app).get('/secret-of-a-client');

    expect(answered).toEqual([
      { method: 'GET', route: '/timers/:id', status: 404, durationMs: expect.any(Number) },
      { method: 'GET', route: null, status: 404, durationMs: expect.any(Number) },
    ]);
  });
});
