import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { Refusal, type ClaimedTimer, type Timer } from '../../src/timers/index.ts';
import { apiUnderTest, HOOK, memoryStore, START } from './api-under-test.ts';

const CLAIM = '00000000-0000-4000-8000-000000000001';
const LEASE_END = START + 30_000;

/** A scheduler with room, and what was asked of it and of the store, in order. */
function shortTimersUnderTest() {
  const steps: unknown[] = [];
  const committed: ClaimedTimer[] = [];
  const store = memoryStore();
  const { app } = apiUnderTest({
    store: {
      ...store,
      find: (id: string) => store.find(id),
      findByKey: (query) => store.findByKey(query),
      insertKeyed(entries) {
        steps.push('insert');
        return store.insertKeyed(entries);
      },
      insert(timers: Timer[]) {
        steps.push('insert');
        return store.insert(timers);
      },
    },
    shortTimers: {
      reserve(nextAttemptAt, bodyBytes) {
        steps.push({ reserve: nextAttemptAt - START, bodyBytes });
        return {
          claimId: CLAIM,
          leaseEndsAt: LEASE_END,
          commit(timer) {
            steps.push('commit');
            committed.push(timer);
          },
          free: () => void steps.push('free'),
          abandon: () => void steps.push('abandon'),
        };
      },
    },
  });
  return { app, store, steps, committed };
}

describe('a timer due within the lookahead', () => {
  it('is written already claimed, and handed over when the store has it', async () => {
    const { app, store, steps, committed } = shortTimersUnderTest();

    const answer = await request(app).post('/timers').send({ delay_ms: 300, url: HOOK });

    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ status: 'executing', next_attempt_at: new Date(START + 300).toISOString() });
    const row = { status: 'executing', claimId: CLAIM, wakeAt: LEASE_END, nextAttemptAt: START + 300, fence: 1 };
    expect([...store.rows.values()]).toMatchObject([row]);
    expect(committed).toEqual([...store.rows.values()]);
    expect(steps).toEqual([{ reserve: 300, bodyBytes: 0 }, 'insert', 'commit']);
  });

  it('reserves for now when the instant has passed', async () => {
    const { app, steps } = shortTimersUnderTest();

    await request(app).post('/timers').send({ due_at: '2020-01-01T00:00:00Z', url: HOOK });

    expect(steps[0]).toEqual({ reserve: 0, bodyBytes: 0 });
  });

  it('gives its place up when the store does not answer, and says 503', async () => {
    const { app, store, steps, committed } = shortTimersUnderTest();
    store.failure = new Refusal('store_unavailable', 'The store does not answer.');

    const answer = await request(app).post('/timers').send({ delay_ms: 300, url: HOOK });

    expect(answer.status).toBe(503);
    expect(steps).toEqual([{ reserve: 300, bodyBytes: 0 }, 'insert', 'abandon']);
    expect(committed).toEqual([]);
  });

  it('holds no place when the request is refused', async () => {
    const { app, steps } = shortTimersUnderTest();

    await request(app).post('/timers').send({ delay_ms: 300, url: HOOK, unknown: true });
    await request(app).post('/timers').send({ delay_ms: 1e15, url: HOOK });

    expect(steps).toEqual([]);
  });
});
