import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import type { Timer } from '../../src/timers/index.ts';
import { apiUnderTest, DAY_MS, HOOK, START } from './api-under-test.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const iso = (epochMs: number) => new Date(epochMs).toISOString();

describe('POST /timers', () => {
  it('makes a timer from three numbers and a URL, and answers with it and where it is', async () => {
    const { app, store } = apiUnderTest();

    const answer = await request(app).post('/timers').send({ hours: 4, minutes: 0, seconds: 1, url: HOOK });

    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(UUID_V7),
      status: 'waiting',
      reason: null,
      time_left: 14_401,
      due_at: '2030-01-01T04:00:01.000Z',
      next_attempt_at: '2030-01-01T04:00:01.000Z',
      url: HOOK,
      method: 'POST',
      headers: null,
      label: null,
      metadata: null,
      key: null,
      delivery: 'at_least_once',
      attempts: 0,
      max_attempts: 8,
      lateness_ms: null,
      last_error: null,
      created_at: '2030-01-01T00:00:00.000Z',
      finished_at: null,
    });
    const { id } = answer.body as { id: string };
    expect(answer.headers).toMatchObject({ location: `/timers/${id}`, 'content-type': 'application/json' });
    expect([...store.rows.keys()]).toEqual([id]);
  });

  it.each([
    ['seconds alone', { seconds: 90 }, START + 90_000],
    ['minutes beyond an hour', { minutes: 90 }, START + 5_400_000],
    ['all three at once', { hours: 1, minutes: 1, seconds: 1 }, START + 3_661_000],
    ['a whole number written with a fraction of zero', { seconds: 5.0 }, START + 5000],
    ['no number at all, which is now', {}, START],
    ['milliseconds', { delay_ms: 1234 }, START + 1234],
    ['an instant in UTC', { due_at: '2030-01-02T00:00:00Z' }, START + DAY_MS],
    ['an instant with an offset', { due_at: '2030-01-02T01:30:00+01:30' }, START + DAY_MS],
    ['an instant in lower case', { due_at: '2030-01-02t00:00:00z' }, START + DAY_MS],
    [
      'an instant finer than a millisecond, which rounds up',
      { due_at: '2030-01-02T00:00:00.0000001Z' },
      START + DAY_MS + 1,
    ],
    ['the horizon itself', { delay_ms: 3650 * DAY_MS }, START + 3650 * DAY_MS],
  ])('takes %s', async (_name, when, dueAt) => {
    const { app, store } = apiUnderTest();

    const answer = await request(app)
      .post('/timers')
      .send({ ...when, url: HOOK });

    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ due_at: iso(dueAt), next_attempt_at: iso(dueAt) });
    expect([...store.rows.values()]).toMatchObject([
      {
        dueAt,
        wakeAt: dueAt,
        nextAttemptAt: dueAt,
        delayMs: dueAt - START,
        status: 'waiting',
        claimId: null,
        fence: 0,
      },
    ]);
  });

  it('keeps an instant that has passed, and wakes the timer at once', async () => {
    const { app, store } = apiUnderTest();

    const answer = await request(app).post('/timers').send({ due_at: '2020-02-29T12:00:00Z', url: HOOK });

    expect(answer.body).toMatchObject({
      due_at: '2020-02-29T12:00:00.000Z',
      next_attempt_at: iso(START),
      time_left: 0,
    });
    expect([...store.rows.values()]).toMatchObject([{ wakeAt: START, nextAttemptAt: START, delayMs: 0 }]);
  });

  it('counts from the next whole millisecond of the store clock, so that nothing is ever due early', async () => {
    const { app, store } = apiUnderTest({ storeClock: { now: () => START + 0.25 } });

    const answer = await request(app).post('/timers').send({ seconds: 10, url: HOOK });

    expect(answer.body).toMatchObject({ time_left: 10 });
    expect([...store.rows.values()]).toMatchObject([{ createdAt: START + 1, dueAt: START + 10_001 }]);
  });

  it.each(['/timers', '/timers/', '/timer', '/timer/', '/api/v1/timers', '/api/v1/timers/'])(
    'is served at %s',
    async (path) => {
      const { app } = apiUnderTest();

      const answer = await request(app).post(path).send({ seconds: 1, url: HOOK });

      expect(answer.status).toBe(201);
      expect(answer.headers.location).toBe(`/timers/${(answer.body as { id: string }).id}`);
    },
  );

  it.each(['application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'Application/JSON'])(
    'takes a body of type %s',
    async (type) => {
      const { app } = apiUnderTest();

      const answer = await request(app).post('/timers').set('Content-Type', type).send(`{"url":"${HOOK}"}`);

      expect(answer.status).toBe(201);
    },
  );

  it('lets the last of two equal fields win, as JSON parsers do', async () => {
    const { app } = apiUnderTest();

    const answer = await request(app).post('/timers').type('json').send(`{"seconds":1,"seconds":2,"url":"${HOOK}"}`);

    expect(answer.body).toMatchObject({ time_left: 2 });
  });

  it('echoes the URL as it was sent', async () => {
    const { app } = apiUnderTest();
    const url = 'HTTPS://SomeServer.com:443/a/../b/?q=%7E&x=1';

    const answer = await request(app).post('/timers').send({ url });

    expect(answer.body).toMatchObject({ url });
  });
});

describe('GET /timers/:id', () => {
  const stored = async (change: Partial<Timer> = {}) => {
    const { app, store, turn } = apiUnderTest();
    await request(app).post('/timers').send({ seconds: 100, url: HOOK });
    const [timer] = store.rows.values();
    if (!timer) throw new Error('nothing was stored');
    store.rows.set(timer.id, { ...timer, ...change });
    return { id: timer.id, turn, read: (path: string) => request(app).get(path) };
  };

  it.each(['/timers', '/timer', '/api/v1/timers'])('answers with the same timer under %s', async (base) => {
    const { id, read } = await stored();

    expect((await read(`${base}/${id}`)).body).toMatchObject({ id, time_left: 100, status: 'waiting' });
    expect((await read(`${base}/${id.toUpperCase()}/`)).body).toMatchObject({ id });
  });

  it.each([
    [1, 100],
    [999, 100],
    [1000, 99],
    [99_001, 1],
    [99_999, 1],
    [100_000, 0],
    [500_000, 0],
  ])('after %i ms has %i whole seconds left', async (elapsed, left) => {
    const { id, read, turn } = await stored();
    turn(elapsed);

    expect((await read(`/timers/${id}`)).body).toMatchObject({ time_left: left });
  });

  it('has no time left while a retry is pending', async () => {
    const retryAt = START + 200_000;
    const { id, read, turn } = await stored({
      wakeAt: retryAt,
      nextAttemptAt: retryAt,
      attempts: 1,
      latenessMs: 3,
      errorCode: 'http_status',
      errorMessage: 'answered 500',
    });
    turn(150_000);

    expect((await read(`/timers/${id}`)).body).toMatchObject({
      time_left: 0,
      attempts: 1,
      lateness_ms: 3,
      last_error: { code: 'http_status', message: 'answered 500' },
      next_attempt_at: iso(retryAt),
      finished_at: null,
    });
  });

  it('tells an executing timer its own next attempt, not the end of the lease', async () => {
    const { id, read } = await stored({ status: 'executing', wakeAt: START + 30_000 });

    expect((await read(`/timers/${id}`)).body).toMatchObject({ next_attempt_at: iso(START + 100_000), time_left: 100 });
  });

  it.each(['done', 'failed', 'cancelled', 'unknown'] as const)('is over once %s, even before due', async (status) => {
    const { id, read } = await stored({ status, reason: 'gone', wakeAt: START + 5 });

    expect((await read(`/timers/${id}`)).body).toMatchObject({
      status,
      time_left: 0,
      reason: status === 'failed' ? 'gone' : null,
      next_attempt_at: null,
      finished_at: iso(START + 5),
    });
  });

  it('answers HEAD with the headers alone', async () => {
    const { app, store } = apiUnderTest();
    await request(app).post('/timers').send({ url: HOOK });
    const [id = ''] = store.rows.keys();

    const answer = await request(app).head(`/timers/${id}`);

    expect(answer.status).toBe(200);
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(100);
    expect(answer.text).toBeUndefined();
  });
});
