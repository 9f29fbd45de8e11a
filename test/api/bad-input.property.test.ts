import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import request from 'supertest';
import { apiUnderTest } from './api-under-test.ts';

const url = fc.webUrl({ validSchemes: ['http', 'https'], withQueryParameters: true });
const when = fc.oneof(
  fc.record({ hours: fc.nat(1000), minutes: fc.nat(), seconds: fc.nat() }, { requiredKeys: [] }),
  fc.record({ delay_ms: fc.nat() }),
  fc.record({
    due_at: fc
      .date({ min: new Date(0), max: new Date('2039-01-01'), noInvalidDate: true })
      .map((at) => at.toISOString()),
  }),
);
const valid = fc.tuple(url, when).map(([url, when]): Record<string, unknown> => ({ url, ...when }));

const field = fc.constantFrom('url', 'hours', 'minutes', 'seconds', 'delay_ms', 'due_at');
const mutated = fc
  .tuple(valid, fc.oneof(field, fc.string({ unit: 'binary' })), fc.oneof(fc.jsonValue(), fc.constant(undefined)))
  .map(([body, name, value]) => ({ ...body, [name]: value }));

const json = fc.oneof(
  { arbitrary: valid.map((body) => JSON.stringify(body)), weight: 2 },
  { arbitrary: mutated.map((body) => JSON.stringify(body)), weight: 4 },
  { arbitrary: fc.tuple(mutated, fc.nat()).map(([body, at]) => JSON.stringify(body).slice(0, at % 200)), weight: 1 },
  { arbitrary: fc.string({ unit: 'binary' }), weight: 1 },
);

describe('POST /timers with anything at all', () => {
  it('never fails on our side, stores one row for a 201 and none for a refusal', async () => {
    const { app, store } = apiUnderTest();
    const seen = new Map<number, number>();

    await fc.assert(
      fc.asyncProperty(json, async (body) => {
        const before = store.rows.size;
        const { status } = await request(app).post('/timers').type('json').send(body);
        seen.set(status, (seen.get(status) ?? 0) + 1);
        expect([201, 400, 422]).toContain(status);
        expect(store.rows.size - before).toBe(status === 201 ? 1 : 0);
      }),
      { numRuns: 1000 },
    );

    // A generator that is never refused, or always, would prove nothing.
    expect([...seen.keys()].toSorted()).toEqual([201, 400, 422]);
    expect(seen.get(201)).toBeGreaterThan(100);
  });

  it('never fails on our side whatever is asked for', async () => {
    const { app } = apiUnderTest();
    const segment = fc.oneof(fc.webSegment(), fc.string({ unit: 'binary' }).map(encodeURI), fc.constant('%'));

    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/timers/', '/', '/docs/', '/redoc/'), segment, async (base, path) => {
        const { status } = await request(app).get(base + path.replaceAll(/[^!-~]/g, ''));
        expect([200, 404, 405]).toContain(status);
      }),
      { numRuns: 300 },
    );
  });
});
