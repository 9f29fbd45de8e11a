import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type request from 'supertest';
import { parseApiKeys } from '../../src/api/index.ts';
import { Refusal, type Timer, type TimerStatus } from '../../src/timers/index.ts';
import { unavailable } from '../scheduler/scheduler-under-test.ts';
import { claimOf, makeTimer, T0 } from '../support/timers.ts';
import { serviceUnderTest } from './service-under-test.ts';

const iso = (epochMs: number) => new Date(epochMs).toISOString();
const MINUTE_MS = 60_000;

let service: Awaited<ReturnType<typeof serviceUnderTest>>;
beforeEach(async () => {
  service = await serviceUnderTest();
});
afterEach(() => service.close());

const finishedAs = (status: TimerStatus) => service.stored({ status, wakeAt: T0 - 5, attempts: 1, maxAttempts: 1 });

const everyChange: [string, (id: string) => request.Test][] = [
  ['PATCH', (id) => service.patch(`/timers/${id}`, { seconds: 5 })],
  ['DELETE', (id) => service.delete(`/timers/${id}`)],
  ['fire', (id) => service.post(`/timers/${id}/fire`)],
  ['extend', (id) => service.post(`/timers/${id}/extend`)],
];

describe('Every change', () => {
  it.each(everyChange)('by %s is too late once a replica has claimed the timer', async (_name, change) => {
    const { id } = await service.stored({ dueAt: T0 });
    await service.store.claim(claimOf());

    const answer = await change(id);

    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: 'already_executing' });
  });

  it.each(everyChange)('by %s is refused when the timer is finished', async (_name, change) => {
    for (const status of ['done', 'failed', 'unknown'] as const) {
      const answer = await change((await finishedAs(status)).id);
      expect([answer.status, answer.body]).toMatchObject([409, { code: 'already_finished' }]);
    }
  });

  it.each([...everyChange, ['replay', (id: string) => service.post(`/timers/${id}/replay`)] as const])(
    'by %s does not find a timer of another owner, or none',
    async (_name, change) => {
      await service.close();
      service = await serviceUnderTest({ keys: parseApiKeys(`shop=${'0'.repeat(32)}`) });
      const { id } = await service.stored({ owner: 'bank', status: 'done' });

      for (const each of [id, '42', makeTimer().id]) {
        const answer = await change(each).set('X-API-Key', '0'.repeat(32));
        expect([answer.status, answer.body]).toMatchObject([404, { code: 'not_found' }]);
      }
    },
  );

  it('that a claim overtakes is decided anew by what is so then', async () => {
    const { id } = await service.stored({ dueAt: T0 });
    const change = service.store.change.bind(service.store);
    service.store.change = async (...given) => {
      await service.store.claim(claimOf());
      return change(...given);
    };

    expect((await service.delete(`/timers/${id}`)).body).toMatchObject({ code: 'already_executing' });
    expect(await service.find(id)).toMatchObject({ status: 'executing' });
  });

  it('whose answer the store lost gives its place up, and what was written is handed back', async () => {
    const { id } = await service.stored();
    const change = service.store.change.bind(service.store);
    service.store.change = async (...given) => {
      await change(...given);
      throw new Refusal('store_unavailable', 'The database is not available.');
    };

    expect((await service.post(`/timers/${id}/fire`)).status).toBe(503);

    await service.scheduler.runOnce();
    expect(service.calls).toEqual([]);
    expect(await service.find(id)).toMatchObject({ status: 'executing' });
    service.clock.advance(1);
    await service.settled();
    expect(service.calls).toMatchObject([{ id }]);
  });
});

describe('PATCH /timers/:id', () => {
  it('changes what is given and leaves the rest', async () => {
    const { id } = await service.stored({ metadata: { a: '1' }, headers: { 'x-a': '1' } });

    const answer = await service.patch(`/timers/${id}`, {
      method: 'PUT',
      max_attempts: 3,
      timeout_ms: 5000,
      expires_after_ms: 1000,
      append_id: false,
      retry: { delays_ms: [1, 2] },
    });

    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ method: 'PUT', max_attempts: 3, metadata: { a: '1' }, status: 'waiting' });
    expect(await service.find(id)).toMatchObject({
      method: 'PUT',
      maxAttempts: 3,
      timeoutMs: 5000,
      expiresAfterMs: 1000,
      appendId: false,
      retry: { delays_ms: [1, 2] },
      headers: { 'x-a': '1' },
      dueAt: T0 + MINUTE_MS,
    });
  });

  it('gives what is null back to its default', async () => {
    const { id } = await service.stored({
      metadata: { a: '1' },
      headers: { 'x-a': '1' },
      timeoutMs: 5000,
      maxAttempts: 3,
      retry: { delays_ms: [1] },
      expiresAfterMs: 7,
    });
    const nothing = { metadata: null, headers: null, timeout_ms: null, retry: null, expires_after_ms: null };

    expect((await service.patch(`/timers/${id}`, { ...nothing, max_attempts: null })).status).toBe(200);

    expect(await service.find(id)).toMatchObject({
      metadata: null,
      headers: null,
      timeoutMs: null,
      retry: null,
      expiresAfterMs: null,
      maxAttempts: 8,
    });
  });

  it('gives a body its type, and keeps the type of a body that stays', async () => {
    const { id } = await service.stored();
    await service.patch(`/timers/${id}`, { headers: { 'x-a': '1' }, body_text: 'hällo' });
    expect(await service.find(id)).toMatchObject({
      headers: { 'x-a': '1', 'content-type': 'text/plain; charset=utf-8' },
      bodyBytes: 6,
    });

    await service.patch(`/timers/${id}`, { headers: { 'x-b': '2' } });
    expect(await service.find(id)).toMatchObject({
      headers: { 'x-b': '2', 'content-type': 'text/plain; charset=utf-8' },
      bodyBytes: 6,
    });

    await service.patch(`/timers/${id}`, { body: null });
    const { body, headers } = await service.find(id);
    expect([Buffer.from(body ?? []).toString(), headers]).toEqual(['null', { 'x-b': '2' }]);
  });

  it('moves a timer, and one that is moved close fires at its millisecond without a pass', async () => {
    const { id } = await service.stored();

    const answer = await service.patch(`/timers/${id}`, { delay_ms: 300, method: 'PUT' });

    expect(answer.body).toMatchObject({ due_at: iso(T0 + 300), next_attempt_at: iso(T0 + 300), status: 'executing' });
    service.clock.advance(299);
    expect(service.calls).toEqual([]);
    service.clock.advance(1);
    await service.settled();
    expect(service.calls).toEqual([{ id, at: T0 + 300, run: 0, fence: 1 }]);
    expect(await service.find(id)).toMatchObject({ status: 'done', latenessMs: 0, method: 'PUT' });
  });

  it('takes an instant that has passed for now, so that the client’s own delay is not counted as lateness', async () => {
    const { id } = await service.stored({ createdAt: T0 - 5 * MINUTE_MS });

    const answer = await service.patch(`/timers/${id}`, { due_at: iso(T0 - MINUTE_MS) });
    service.clock.advance(0);
    await service.settled();

    expect(answer.body).toMatchObject({ due_at: iso(T0) });
    expect(await service.find(id)).toMatchObject({ status: 'done', latenessMs: 0 });
  });

  it('moves far away without claiming', async () => {
    const { id } = await service.stored();
    const answer = await service.patch(`/timers/${id}`, { hours: 2 });
    expect(answer.body).toMatchObject({ status: 'waiting', time_left: 7200 });
    expect(await service.find(id)).toMatchObject({ wakeAt: T0 + 7_200_000, fence: 1, delayMs: MINUTE_MS });
  });

  it('with nothing in it changes nothing', async () => {
    const timer = await service.stored();
    expect((await service.patch(`/timers/${timer.id}`, {})).status).toBe(200);
    expect(await service.find(timer.id)).toEqual(timer);
  });

  it.each([
    [{ url: 'https://other.example/' }, {}, '/url', 'is not a known field'],
    [{ label: 'x' }, {}, '/label', 'is not a known field'],
    [{ key: 'x' }, {}, '/key', 'is not a known field'],
    [{ seconds: 1, delay_ms: 1 }, {}, '/delay_ms', expect.stringContaining('a second time')],
    [{ delay_ms: 1e15 }, {}, '/delay_ms', expect.stringContaining('furthest')],
    [{ timeout_ms: 29_000 }, {}, '/timeout_ms', expect.stringContaining('lease')],
    [{ headers: { host: 'x' } }, {}, '/headers/host', expect.any(String)],
    [{ method: 'GET' }, { body: Buffer.from('x'), bodyBytes: 1 }, '/method', 'would send a body with GET'],
    [{ body: 1 }, { method: 'GET' as const }, '/body', 'would send a body with GET'],
    [{ body_text: 'x' }, { method: 'GET' as const }, '/body_text', 'would send a body with GET'],
    [{ max_attempts: 2 }, { delivery: 'at_most_once' as const }, '/max_attempts', expect.any(String)],
    [{ retry: { delays_ms: [1] } }, { delivery: 'at_most_once' as const }, '/retry', expect.any(String)],
    [{ delivery: 'at_most_once' }, { attempts: 1 }, '/delivery', expect.stringContaining('may have been sent')],
    [{ delivery: 'at_most_once' }, { lost: 1 }, '/delivery', expect.stringContaining('may have been sent')],
  ])('refuses %j of a timer with %j', async (body, timer: Partial<Timer>, pointer, message) => {
    const { id } = await service.stored(timer);

    const answer = await service.patch(`/timers/${id}`, body);

    expect([answer.status, answer.body]).toMatchObject([
      422,
      { code: 'invalid_request', errors: [{ pointer, message }] },
    ]);
  });

  it('makes an untried timer at_most_once, with one attempt, and back', async () => {
    const { id } = await service.stored({ retry: { delays_ms: [1] } });

    await service.patch(`/timers/${id}`, { delivery: 'at_most_once' });
    expect(await service.find(id)).toMatchObject({ delivery: 'at_most_once', maxAttempts: 1, retry: null });

    await service.patch(`/timers/${id}`, { delivery: 'at_least_once' });
    expect(await service.find(id)).toMatchObject({ delivery: 'at_least_once', maxAttempts: 8 });
  });
});

describe('DELETE /timers/:id', () => {
  it('cancels what waits, and again without a change', async () => {
    const { id } = await service.stored();

    const first = await service.delete(`/timers/${id}`);
    service.clock.advance(5000);
    const second = await service.delete(`/timers/${id}`);

    expect([first.status, second.status]).toEqual([200, 200]);
    expect(first.body).toMatchObject({ status: 'cancelled', finished_at: iso(T0), time_left: 0 });
    expect(second.body).toEqual(first.body);
  });

  it('keeps the timer from ever being sent', async () => {
    const { id } = await service.stored({ dueAt: T0 + 500 });
    await service.delete(`/timers/${id}`);

    await service.scheduler.runOnce();
    service.clock.advance(MINUTE_MS);

    expect(service.calls).toEqual([]);
    expect(service.scheduler.load().held).toBe(0);
  });
});

describe('POST /timers/:id/fire', () => {
  it('calls now, which is what it is due then', async () => {
    const { id } = await service.stored();

    const answer = await service.post(`/timers/${id}/fire`);
    service.clock.advance(0);
    await service.settled();

    expect(answer.body).toMatchObject({ due_at: iso(T0), status: 'executing' });
    expect(service.calls).toMatchObject([{ id, at: T0 }]);
    expect(await service.find(id)).toMatchObject({ status: 'done', latenessMs: 0 });
  });

  it('leaves due as it was when an attempt has been made for it', async () => {
    const { id } = await service.stored({ attempts: 1, latenessMs: 2, dueAt: T0 - 1000, wakeAt: T0 + 9000 });

    const answer = await service.post(`/timers/${id}/fire`);
    service.clock.advance(0);
    await service.settled();

    expect(answer.body).toMatchObject({ due_at: iso(T0 - 1000), next_attempt_at: iso(T0) });
    expect(await service.find(id)).toMatchObject({ status: 'done', attempts: 2, latenessMs: 2 });
  });

  it('is when it is due after a change has moved it on, though an attempt was made before', async () => {
    const { id } = await service.stored({ attempts: 1, latenessMs: 2, dueAt: T0 - 1000, wakeAt: T0 + 9000 });
    await service.patch(`/timers/${id}`, { hours: 1 });

    expect((await service.post(`/timers/${id}/fire`)).body).toMatchObject({ due_at: iso(T0), time_left: 0 });
  });
});

describe('Changes at the same time', () => {
  it('all stand, each decided by what those before it have made of the timer', async () => {
    const { id } = await service.stored({ headers: { 'x-v': 'old' } });

    const answers = await Promise.all([
      service.patch(`/timers/${id}`, { headers: { 'x-v': 'new' } }),
      service.patch(`/timers/${id}`, { body: { a: 1 } }),
      ...Array.from({ length: 8 }, (_, index) => service.patch(`/timers/${id}`, { metadata: { n: String(index) } })),
    ]);

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await service.find(id)).toMatchObject({ headers: { 'x-v': 'new' }, body: Buffer.from('{"a":1}') });
  });

  it('that do not go together are not both accepted', async () => {
    const { id } = await service.stored();

    const answers = await Promise.all([
      service.patch(`/timers/${id}`, { method: 'GET' }),
      service.patch(`/timers/${id}`, { body: { a: 1 } }),
    ]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
  });
});

describe('POST /timers/:id/extend', () => {
  it('grants the delay first asked for, again and again, and silence then fires exactly once at the last due', async () => {
    const { id } = await service.stored();

    for (let beat = 1; beat <= 10; beat++) {
      service.clock.advance(MINUTE_MS - 2000);
      await service.scheduler.runOnce();
      const answer = await service.post(`/timers/${id}/extend`);
      expect(answer.body).toMatchObject({ due_at: iso(T0 + beat * (MINUTE_MS - 2000) + MINUTE_MS), time_left: 60 });
    }
    const due = service.clock.now() + MINUTE_MS;
    for (let passed = 0; passed < 2 * MINUTE_MS; passed += 500) {
      await service.scheduler.runOnce();
      service.clock.advance(500);
    }
    await service.settled();

    expect(service.calls).toEqual([{ id, at: due, run: 0, fence: 11 }]);
  });

  it('takes any other way of saying when', async () => {
    const { id } = await service.stored();
    expect((await service.post(`/timers/${id}/extend`, { minutes: 5 })).body).toMatchObject({ time_left: 300 });
    expect((await service.post(`/timers/${id}/extend`, {})).body).toMatchObject({ time_left: 60 });
    expect((await service.post(`/timers/${id}/extend`, { method: 'PUT' })).status).toBe(422);
  });
});

describe('POST /timers/:id/replay', () => {
  it('calls once more, in a run of its own whose fence goes on', async () => {
    const { id } = await service.stored({ dueAt: T0 + 100 });
    await service.scheduler.runOnce();
    service.clock.advance(100);
    await service.settled();
    service.clock.advance(MINUTE_MS);

    const answer = await service.post(`/timers/${id}/replay`);
    service.clock.advance(0);
    await service.settled();

    expect(answer.body).toMatchObject({
      status: 'executing',
      attempts: 0,
      lateness_ms: null,
      due_at: iso(service.clock.now()),
    });
    expect(service.calls).toEqual([
      { id, at: T0 + 100, run: 0, fence: 1 },
      { id, at: T0 + 100 + MINUTE_MS, run: 1, fence: 2 },
    ]);
    expect(await service.find(id)).toMatchObject({ status: 'done', run: 1, attempts: 1, latenessMs: 0 });
  });

  it.each(['done', 'failed', 'unknown'] as const)('takes what is %s', async (status) => {
    const { id } = await finishedAs(status);
    expect((await service.post(`/timers/${id}/replay`)).status).toBe(200);
    expect(await service.find(id)).toMatchObject({ run: 1, sendStartedAt: null, reason: null });
  });

  it.each([
    ['waiting', 'not_finished'],
    ['executing', 'not_finished'],
    ['cancelled', 'already_finished'],
  ] as const)('refuses what is %s', async (status, code) => {
    const { id } = await service.stored({ status, wakeAt: T0 + 20_000, claimId: makeTimer().id });
    expect((await service.post(`/timers/${id}/replay`)).body).toMatchObject({ status: 409, code });
  });
});

describe('GET /timers/:id/attempts', () => {
  it('tells every attempt of every run, the oldest first', async () => {
    await service.close();
    let answers = 0;
    service = await serviceUnderTest({
      reply: () => (++answers === 1 ? unavailable : { kind: 'delivered', error: null, httpStatus: 200, answer: 'ok' }),
    });
    const { id } = await service.stored({ dueAt: T0 + 100, retry: { delays_ms: [500] } });
    for (let round = 0; round < 4; round++) {
      await service.scheduler.runOnce();
      service.clock.advance(500);
      await service.settled();
    }
    for (let run = 1; run <= 2; run++) {
      await service.post(`/timers/${id}/replay`);
      service.clock.advance(0);
      await service.settled();
    }

    const answer = await service.get(`/timers/${id}/attempts`);

    expect(answer.status).toBe(200);
    const done = { http_status: 200, error: null, answer: 'ok', lateness_ms: 0, duration_ms: 0 };
    expect(answer.body).toEqual({
      attempts: [
        {
          run: 0,
          attempt: 1,
          fence: 1,
          started_at: iso(T0 + 100),
          lateness_ms: 0,
          duration_ms: expect.any(Number),
          http_status: 503,
          error: { code: 'http_503', message: 'The receiver answered 503.' },
          answer: null,
        },
        { ...done, run: 0, attempt: 2, fence: 2, started_at: expect.any(String) },
        { ...done, run: 1, attempt: 1, fence: 3, started_at: expect.any(String) },
        { ...done, run: 2, attempt: 1, fence: 4, started_at: expect.any(String) },
      ],
      next_cursor: null,
    });
  });

  it('comes page by page', async () => {
    const { id } = await service.stored({ dueAt: T0 + 100 });
    await service.scheduler.runOnce();
    service.clock.advance(100);
    await service.settled();
    for (let run = 1; run <= 4; run++) {
      await service.post(`/timers/${id}/replay`);
      service.clock.advance(0);
      await service.settled();
    }
    const runs: number[][] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const path: string = `/timers/${id}/attempts?limit=2${cursor && `&cursor=${cursor}`}`;
      const page = (await service.get(path)).body as { attempts: { run: number }[]; next_cursor: string | null };
      runs.push(page.attempts.map(({ run }) => run));
      cursor = page.next_cursor;
    }

    expect(runs).toEqual([[0, 1], [2, 3], [4]]);
  });

  it('is empty before the first, and refuses the cursor of another timer', async () => {
    const { id } = await service.stored();
    expect((await service.get(`/timers/${id}/attempts`)).body).toEqual({ attempts: [], next_cursor: null });
    expect((await service.get(`/timers/${id}/attempts?cursor=x`)).status).toBe(422);
    expect((await service.get(`/timers/42/attempts`)).status).toBe(404);
  });
});

describe('DELETE /timers/:id/payload', () => {
  it('erases headers, body, metadata and answers of a finished timer', async () => {
    const payload = { headers: { 'x-a': '1' }, metadata: { a: '1' }, body: Buffer.from('x'), bodyBytes: 1 };
    const { id } = await service.stored({ ...payload, status: 'done', answer: 'secret', attempts: 1 });

    const answer = await service.delete(`/timers/${id}/payload`);

    expect([answer.status, answer.body]).toMatchObject([200, { id, headers: null, metadata: null, status: 'done' }]);
    expect(await service.find(id)).toMatchObject({ headers: null, body: null, answer: null });

    const replayed = await service.post(`/timers/${id}/replay`);
    expect([replayed.status, replayed.body]).toMatchObject([409, { code: 'payload_erased' }]);
  });

  it.each(['waiting', 'executing'] as const)('is refused while the timer is %s', async (status) => {
    const { id } = await service.stored({ status, metadata: { a: '1' } });

    const answer = await service.delete(`/timers/${id}/payload`);

    expect([answer.status, answer.body]).toMatchObject([409, { code: 'not_finished' }]);
    expect(await service.find(id)).toMatchObject({ metadata: { a: '1' } });
  });
});
