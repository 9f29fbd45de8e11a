import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import request from 'supertest';
import { describeOnStores } from './on-stores.ts';

const RUNS = process.env.TEST_FULL === '1' ? 5000 : 100;
/** Generous: the machine may be busy. */
const WITHIN_MS = Math.max(RUNS * 120, 30_000);

const url = fc.webUrl({ validSchemes: ['http', 'https'], withQueryParameters: true });
const when = fc.oneof(
  fc.record({ hours: fc.nat(1000), minutes: fc.nat(), seconds: fc.nat() }, { requiredKeys: [] }),
  fc.record({ delay_ms: fc.nat() }),
  fc.record({ delay: fc.constantFrom('1d2h30m', '90s', 'PT1.5H', 'P2W') }),
  fc.record({
    due_at: fc
      .date({ min: new Date(0), max: new Date('2039-01-01'), noInvalidDate: true })
      .map((at) => at.toISOString()),
  }),
  fc.record({
    due_at_local: fc
      .date({ min: new Date(0), max: new Date('2039-01-01'), noInvalidDate: true })
      .map((at) => at.toISOString().slice(0, -1)),
    timezone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
  }),
);
const text = fc.string({ unit: 'grapheme' });
const sent = fc.oneof(
  fc.record({ body: fc.jsonValue({ maxDepth: 3 }).filter((value) => !/\d{16}|e\+/.test(JSON.stringify(value))) }),
  fc.record({ body_text: text, content_type: fc.constant('text/csv') }, { requiredKeys: ['body_text'] }),
  fc.record({ body_base64: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')) }),
  fc.constant({}),
);
const rest = fc.record(
  {
    method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE'),
    headers: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}-[a-z]{1,8}$/), fc.stringMatching(/^[!-~]{0,20}$/)),
    append_id: fc.boolean(),
    timeout_ms: fc.integer({ min: 10, max: 24_000 }),
    max_attempts: fc.integer({ min: 1, max: 1000 }),
    retry: fc.record({ delays_ms: fc.array(fc.nat(1000), { minLength: 1 }) }),
    expires_after_ms: fc.integer({ min: 1 }),
    label: fc.stringMatching(/^[a-zäß ]{1,128}$/),
    metadata: fc.dictionary(
      fc.stringMatching(/^.{1,20}$/),
      text.map((value) => value.slice(0, 100).toWellFormed()),
      { maxKeys: 16 },
    ),
  },
  { requiredKeys: [] },
);
const valid = fc
  .tuple(url, when, sent, rest)
  .map(([url, when, sent, rest]): Record<string, unknown> => ({ url, ...when, ...sent, ...rest }));

const FIELDS =
  'url hours minutes seconds delay_ms delay due_at due_at_local timezone method headers body body_text body_base64 ' +
  'content_type append_id timeout_ms max_attempts retry delivery expires_after_ms label metadata key idempotency_key';
const mutated = fc
  .tuple(
    valid,
    fc.oneof({ arbitrary: fc.constantFrom(...FIELDS.split(' ')), weight: 5 }, { arbitrary: text, weight: 1 }),
    fc.oneof(
      fc.jsonValue(),
      fc.constant(undefined),
      fc.nat().map((n) => 'x'.repeat(n % 3000)),
    ),
  )
  .map(([body, name, value]) => ({ ...body, [name]: value }));

const timer = fc.oneof(valid, mutated);
const json = fc.oneof(
  { arbitrary: timer.map((body) => JSON.stringify(body)), weight: 6 },
  { arbitrary: fc.tuple(mutated, fc.nat()).map(([body, at]) => JSON.stringify(body).slice(0, at % 200)), weight: 1 },
  { arbitrary: fc.string({ unit: 'binary' }), weight: 1 },
);
const key = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string(), fc.string({ unit: 'binary' }));

interface Results {
  results: { status: number; replayed?: boolean }[];
}

describeOnStores('Whatever is sent to', (opened) => {
  /** Rows that a request added; never a fault of ours, and none where it was refused. */
  async function added(send: () => Promise<request.Response>) {
    const before = await opened().count();
    const answer = await send();
    expect(answer.status).toBeLessThan(500);
    const rows = (await opened().count()) - before;
    if (answer.status >= 400) expect(rows).toBe(0);
    return { answer, rows };
  }

  it(
    'POST /timers, it is stored for a 201 and not stored for a refusal',
    async () => {
      const { app } = opened().api();
      const seen = new Map<number, number>();

      await fc.assert(
        fc.asyncProperty(json, async (body) => {
          const { answer, rows } = await added(() => request(app).post('/timers').type('json').send(body));
          seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
          expect([201, 400, 422]).toContain(answer.status);
          expect(rows).toBe(answer.status === 201 ? 1 : 0);
        }),
        { numRuns: RUNS },
      );

      // A generator that is never refused, or always, would prove nothing.
      expect([...seen.keys()].toSorted()).toEqual([201, 400, 422]);
      expect(seen.get(201)).toBeGreaterThan(RUNS / 10);
    },
    WITHIN_MS,
  );

  it(
    'POST /timers with an idempotency key, it is stored once',
    async () => {
      const { app } = opened().api();
      const header = fc.oneof(fc.constantFrom('a', 'b'), fc.stringMatching(/^[!-~]{1,300}$/));

      await fc.assert(
        fc.asyncProperty(timer, header, async (body, idempotencyKey) => {
          const send = () => request(app).post('/timers').set('Idempotency-Key', idempotencyKey).send(body);
          const first = await added(send);
          const second = await added(send);
          expect(first.rows).toBeLessThanOrEqual(1);
          expect(second.rows).toBe(0);
          expect(second.answer.status).toBe(first.answer.status);
          if (first.answer.status === 201) expect(second.answer.body).toEqual(first.answer.body);
        }),
        { numRuns: RUNS },
      );
    },
    WITHIN_MS,
  );

  it(
    'PUT /timers/by-key/:key, it is stored for a 201 and adds nothing otherwise',
    async () => {
      const { app } = opened().api();
      const seen = new Set<number>();

      await fc.assert(
        fc.asyncProperty(key, json, async (key, body) => {
          const path = `/timers/by-key/${encodeURIComponent(key.toWellFormed())}`;
          const { answer, rows } = await added(() => request(app).put(path).type('json').send(body));
          seen.add(answer.status);
          expect(rows).toBe(answer.status === 201 ? 1 : 0);
        }),
        { numRuns: RUNS },
      );

      expect([...seen].toSorted()).toEqual(expect.arrayContaining([200, 201, 400, 422]));
    },
    WITHIN_MS,
  );

  it(
    'POST /timers/batch, what is answered with 201 is stored and nothing else',
    async () => {
      const { app } = opened().api();
      const batch = fc.oneof(
        fc.array(fc.oneof(timer, fc.jsonValue()), { maxLength: 10 }).map((timers) => JSON.stringify({ timers })),
        json,
      );

      await fc.assert(
        fc.asyncProperty(batch, async (body) => {
          const { answer, rows } = await added(() => request(app).post('/timers/batch').type('json').send(body));
          if (answer.status !== 200) return;
          const { results } = answer.body as Results;
          expect(results.every(({ status }) => [200, 201, 409, 422].includes(status))).toBe(true);
          expect(rows).toBe(results.filter(({ status, replayed }) => status === 201 && !replayed).length);
        }),
        { numRuns: RUNS },
      );
    },
    WITHIN_MS,
  );

  it(
    'POST /timers/import, what is counted as created is stored and nothing else',
    async () => {
      const { app } = opened().api();
      const lines = fc.array(
        fc.oneof(
          json,
          timer.map((body) => JSON.stringify(body)),
        ),
        { maxLength: 10 },
      );

      await fc.assert(
        fc.asyncProperty(lines, async (lines) => {
          const send = () => request(app).post('/timers/import').type('application/x-ndjson').send(lines.join('\n'));
          const { answer, rows } = await added(send);
          expect(answer.status).toBe(200);
          const { created, refused, errors } = answer.body as { created: number; refused: number; errors: unknown[] };
          expect(rows).toBe(created);
          expect(errors).toHaveLength(refused);
        }),
        { numRuns: RUNS },
      );
    },
    WITHIN_MS,
  );

  it(
    'any path, it is answered',
    async () => {
      const { app } = opened().api();
      const segment = fc.oneof(fc.webSegment(), fc.string({ unit: 'binary' }).map(encodeURI), fc.constant('%'));
      const base = fc.constantFrom('/timers/', '/timers/by-key/', '/', '/docs/', '/redoc/');

      await fc.assert(
        fc.asyncProperty(base, segment, async (base, path) => {
          const { status } = await request(app).get(base + path.replaceAll(/[^!-~]/g, ''));
          expect([200, 404, 405, 422]).toContain(status);
        }),
        { numRuns: RUNS },
      );
    },
    WITHIN_MS,
  );
});
