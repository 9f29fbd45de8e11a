import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { Refusal } from '../../src/timers/index.ts';
import { apiUnderTest, HOOK } from './api-under-test.ts';

const SECRET = 'SELECT secret FROM timers';

describe('every answer', () => {
  it.each(['/health', '/timers', '/nothing', '/docs', '/docs/swagger-ui.css', '/openapi.json'])(
    'of %s carries a request id of its own and does not say what made it',
    async (path) => {
      const { app } = apiUnderTest();

      const [first, second] = [await request(app).get(path), await request(app).get(path)];

      expect(first.headers['x-request-id']).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
      expect(first.headers['x-request-id']).not.toBe(second.headers['x-request-id']);
      expect(first.headers['x-powered-by']).toBeUndefined();
      expect(first.headers['x-content-type-options']).toBe('nosniff');
    },
  );

  it('takes over a sane request id, also into the problem', async () => {
    const { app } = apiUnderTest();
    const id = '4bf92f35-77b3-4da6-a3ce-929d0e0e4736';

    const answer = await request(app).get('/nothing').set('X-Request-Id', id);

    expect(answer.headers['x-request-id']).toBe(id);
    expect(answer.body).toMatchObject({ request_id: id });
  });

  it.each(['', 'a b', 'x'.repeat(65), '<script>', '{"a":1}'])('does not take over the request id %j', async (id) => {
    const { app } = apiUnderTest();

    const answer = await request(app).get('/health').set('X-Request-Id', id);

    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{12}-1$/);
  });

  it('of the API is never cached', async () => {
    const { app } = apiUnderTest();

    for (const answer of [await request(app).post('/timers').send({ url: HOOK }), await request(app).get('/nothing')]) {
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers.etag).toBeUndefined();
    }
  });
});

describe('when the store fails', () => {
  it('answers 503 and says when to try again', async () => {
    const { app, store } = apiUnderTest();
    store.failure = new Refusal('store_unavailable', 'The store does not answer.', { cause: new Error(SECRET) });

    for (const answer of [
      await request(app).post('/timers').send({ url: HOOK }),
      await request(app).get('/timers/0199f1d0-2b1e-7c3a-9a55-6f1f2f0a7b10'),
    ]) {
      expect(answer.status).toBe(503);
      expect(answer.headers['retry-after']).toBe('2');
      expect(answer.body).toMatchObject({ code: 'store_unavailable', detail: 'The store does not answer.' });
      expect(answer.text).not.toContain(SECRET);
    }
  });

  it('answers 500 to what nobody foresaw, tells nothing of it and logs it once', async () => {
    const { app, store, logged } = apiUnderTest();
    store.failure = Object.assign(new Error('boom in the driver'), { sql: SECRET });

    const answer = await request(app).post('/timers').send({ url: HOOK });

    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({
      type: 'urn:punctual:internal_error',
      title: 'Internal error',
      status: 500,
      detail: 'Something went wrong here. The request_id finds the details in our log.',
      code: 'internal_error',
      request_id: answer.headers['x-request-id'],
    });
    const failures = logged.filter(({ msg }) => msg === 'request.failed');
    expect(failures).toMatchObject([{ request_id: answer.headers['x-request-id'], level: 50 }]);
    expect(failures[0]?.error).toContain('boom in the driver');
    expect(JSON.stringify(logged)).not.toContain(SECRET);
  });

  it.each([
    ['already_executing', 409],
    ['already_finished', 409],
    ['not_finished', 409],
    ['superseded', 409],
    ['payload_erased', 409],
    ['idempotency_key_reused', 422],
    ['too_many_waiters', 429],
  ] as const)('gives the refusal %s the status %i', async (code, status) => {
    const { app, store } = apiUnderTest();
    store.failure = new Refusal(code, 'It is so.');

    const answer = await request(app).post('/timers').send({ url: HOOK });

    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ type: `urn:punctual:${code}`, status, detail: 'It is so.' });
  });
});

describe('the access log', () => {
  const linesOf = async (visit: (app: ReturnType<typeof apiUnderTest>['app']) => request.Test, failure?: Error) => {
    const { app, store, logged } = apiUnderTest();
    if (failure) store.failure = failure;
    await visit(app);
    return logged.filter(({ msg }) => msg === 'request');
  };

  it('has one line for a request, at debug, with its route and without its words', async () => {
    const lines = await linesOf((app) =>
      request(app).post('/timer?token=hush').set('Authorization', 'Bearer hush').send({ url: 'https://hush.example' }),
    );

    expect(lines).toMatchObject([{ level: 20, method: 'POST', route: '/timer', status: 201, duration_ms: 0 }]);
    expect(JSON.stringify(lines)).not.toContain('hush');
  });

  it('does not repeat the path of a request that no route took', async () => {
    const lines = await linesOf((app) => request(app).get('/hush'));

    expect(lines).toMatchObject([{ level: 20, route: null, status: 404 }]);
    expect(JSON.stringify(lines)).not.toContain('hush');
  });

  it.each([
    ['a warning', 40, new Refusal('store_unavailable', 'The store does not answer.'), 503],
    ['an error', 50, new Error('boom'), 500],
  ])('has %s where the fault is on our side', async (_name, level, failure, status) => {
    const lines = await linesOf((app) => request(app).post('/timers').send({ url: HOOK }), failure);

    expect(lines).toMatchObject([{ level, status, route: '/timers' }]);
  });

  it('names the error of the database by its code, which quotes nothing', async () => {
    const cause = Object.assign(new Error('Incorrect value: hush'), { code: 'ER_CON_COUNT_ERROR' });
    const failure = new Refusal('store_unavailable', 'The store does not answer.', { cause });
    const lines = await linesOf((app) => request(app).post('/timers').send({ url: HOOK }), failure);

    expect(lines).toMatchObject([{ status: 503, cause: 'ER_CON_COUNT_ERROR' }]);
    expect(JSON.stringify(lines)).not.toContain('hush');
  });
});
