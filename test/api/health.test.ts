import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { createManualClock } from '../support/manual-clock.ts';
import { apiUnderTest } from './api-under-test.ts';

describe('/health', () => {
  it('is well as long as the process answers, whatever the store does', async () => {
    const { app } = apiUnderTest({ readiness: () => [{ name: 'store', problem: 'unreachable' }] });

    const answer = await request(app).get('/health');

    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
  });
});

describe('/ready', () => {
  it('says yes when every check passes', async () => {
    const { app } = apiUnderTest({
      readiness: () => [
        { name: 'store', problem: null },
        { name: 'scheduler', problem: null },
      ],
    });

    const answer = await request(app).get('/ready');

    expect([answer.status, answer.body]).toEqual([200, { status: 'ready', reasons: [] }]);
  });

  it('says no and why when one does not', async () => {
    const { app } = apiUnderTest({
      readiness: () =>
        Promise.resolve([
          { name: 'store', problem: 'does not answer' },
          { name: 'scheduler', problem: null },
        ]),
    });

    const answer = await request(app).get('/ready');

    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({ status: 'not_ready', reasons: ['store: does not answer'] });
  });

  it('tells on request what weakens a promise, and asks the database no more often than every half minute', async () => {
    let asked = 0;
    const weakness = { name: 'sync_binlog', promise: 'A 201 is durable.', detail: 'It is 0. Set it to 1.' };
    const clock = createManualClock();
    const { app } = apiUnderTest({
      clock,
      weaknesses: () => Promise.resolve(asked++ === 0 ? [weakness] : []),
    });

    const first = await request(app).get('/ready?verbose');
    await request(app).get('/ready?verbose');
    expect(first.body).toEqual({ status: 'ready', reasons: [], weaknesses: [weakness] });
    expect(asked).toBe(1);

    clock.advance(30_001);
    expect((await request(app).get('/ready?verbose')).body).toMatchObject({ weaknesses: [] });
    expect((await request(app).get('/ready')).body).not.toHaveProperty('weaknesses');
  });

  it.each(['retire', 'stop'] as const)('says no after %s, so that no more work is sent its way', async (ending) => {
    const api = apiUnderTest();
    await api[ending]();

    const answer = await request(api.app).get('/ready');

    expect([answer.status, answer.body]).toEqual([503, { status: 'not_ready', reasons: ['api: shutting down'] }]);
    expect((await request(api.app).get('/health')).status).toBe(200);
  });
});

describe('a replica that only schedules', () => {
  it.each(['/health', '/ready'])('serves %s', async (path) => {
    const { app } = apiUnderTest({ serveTimers: false });

    expect((await request(app).get(path)).status).toBe(200);
  });

  it.each(['/timers', '/docs', '/redoc', '/openapi.json'])('has nothing at %s', async (path) => {
    const { app } = apiUnderTest({ serveTimers: false });

    expect((await request(app).get(path)).status).toBe(404);
  });
});
