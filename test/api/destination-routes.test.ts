import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { destinationList } from '../../src/api/destination-view.ts';
import { parseApiKeys } from '../../src/api/index.ts';
import { Refusal, type DestinationReport } from '../../src/timers/index.ts';
import { reportOf } from '../support/destinations.ts';
import { apiUnderTest, START } from './api-under-test.ts';

interface Page {
  destinations: { host: string }[];
  next_cursor: string | null;
}

const SHOP = 'shop'.padEnd(32, '0');
const ADMIN = 'admin'.padEnd(32, '3');

const telling = (reports: DestinationReport[], overrides: Parameters<typeof apiUnderTest>[0] = {}) =>
  apiUnderTest({ destinations: { listDestinations: () => Promise.resolve(reports) }, ...overrides });
const busy = (count: number) =>
  Array.from({ length: count }, (_, index) => reportOf({ host: `host-${index}`, queued: count - index }));
const hostsOf = ({ body }: request.Response) => (body as Page).destinations.map(({ host }) => host);

describe('GET /destinations', () => {
  it('tells of every host what all replicas have of it', async () => {
    const { app } = telling([
      reportOf({ inFlight: 2, queued: 1, limit: 64, attempts: 99, delivered: 99, lateness: [[1, 99]] }),
      reportOf({
        limit: 0,
        state: 'failing',
        attempts: 1,
        lateness: [[9, 1]],
        lastError: { code: 'timeout', message: 'No answer.', at: START },
      }),
      reportOf({ host: 'idle.example:8080' }),
    ]);

    const answer = await request(app).get('/destinations');

    expect(destinationList.safeParse(answer.body)).toMatchObject({ success: true });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(answer.body).toEqual({
      destinations: [
        {
          host: 'receiver.example',
          state: 'failing',
          in_flight: 2,
          queued: 1,
          limit: 64,
          last_minute: { attempts: 100, success_rate: 0.99, lateness_p50_ms: 1, lateness_p99_ms: 1 },
          last_error: { code: 'timeout', message: 'No answer.', at: '2030-01-01T00:00:00.000Z' },
        },
        {
          host: 'idle.example:8080',
          state: 'open',
          in_flight: 0,
          queued: 0,
          limit: 128,
          last_minute: { attempts: 0, success_rate: null, lateness_p50_ms: null, lateness_p99_ms: null },
          last_error: null,
        },
      ],
      next_cursor: null,
    });
  });

  it('asks for what was told within the last ten seconds by the clock of the store', async () => {
    const asked: number[] = [];
    const { app } = apiUnderTest({
      destinations: { listDestinations: ({ toldSince }) => Promise.resolve(void asked.push(toldSince)).then(() => []) },
      storeClock: { now: () => START + 5000.9 },
    });

    expect((await request(app).get('/destinations/')).body).toEqual({ destinations: [], next_cursor: null });
    expect(asked).toEqual([START - 5000]);
  });

  it('has pages of fifty, or as many as asked for, each host on one of them, the busiest first', async () => {
    const { app } = telling(busy(120));
    expect(hostsOf(await request(app).get('/destinations'))).toHaveLength(50);

    const hosts: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = await request(app).get(`/destinations?limit=40${query}`);
      hosts.push(...hostsOf(page));
      cursor = (page.body as Page).next_cursor;
    }

    expect(hosts).toEqual(Array.from({ length: 120 }, (_, index) => `host-${index}`));
  });

  it('goes on behind the last host also when that one is gone or as busy as others', async () => {
    const reports = ['a', 'b', 'c', 'd'].map((host) => reportOf({ host, queued: 7, attempts: 3 }));
    const { app } = telling(reports);
    const { next_cursor } = (await request(app).get('/destinations?limit=2')).body as Page;
    reports.splice(1, 1);

    expect(hostsOf(await request(app).get(`/destinations?cursor=${next_cursor}`))).toEqual(['c', 'd']);
  });

  it('ends after the five hundred busiest', async () => {
    const { app } = telling(busy(600));

    const { destinations, next_cursor } = (await request(app).get('/destinations?limit=500')).body as Page;

    expect([destinations.length, destinations.at(-1)?.host, next_cursor]).toEqual([500, 'host-499', null]);
  });

  it.each([
    ['limit=0', '/limit'],
    ['limit=501', '/limit'],
    ['limit=ten', '/limit'],
    ['limit=', '/limit'],
    ['limit=1&limit=2', '/limit'],
    ['cursor=', '/cursor'],
    ['cursor=abc', '/cursor'],
    ['page=2', '/page'],
  ])('refuses ?%s and points at it', async (query, pointer) => {
    const answer = await request(telling([]).app).get(`/destinations?${query}`);

    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ pointer }] });
  });

  it('says when the store is away, and which methods there are', async () => {
    const away = () => Promise.reject(new Refusal('store_unavailable', 'The database is not available.'));
    const { app } = apiUnderTest({ destinations: { listDestinations: away } });

    expect((await request(app).get('/destinations')).body).toMatchObject({ code: 'store_unavailable' });
    expect((await request(app).delete('/destinations')).headers.allow).toBe('GET, HEAD, OPTIONS');
    expect((await request(app).post('/destinations/a')).status).toBe(405);
  });
});

describe('GET /destinations/:host', () => {
  it.each(['receiver.example', 'RECEIVER.example', '%5B%3A%3A1%5D%3A8080', '[::1]:8080'])(
    'tells of the one host: %s',
    async (path) => {
      const { app } = telling([reportOf({ inFlight: 1 }), reportOf({ inFlight: 2 }), reportOf({ host: '[::1]:8080' })]);
      const host = decodeURIComponent(path).toLowerCase();

      const answer = await request(app).get(`/destinations/${path}`);

      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ host, in_flight: host === 'receiver.example' ? 3 : 0 });
    },
  );

  it('knows hosts that the list leaves out, and says 404 of those that nobody tells of', async () => {
    const { app } = telling(busy(600));

    expect((await request(app).get('/destinations/host-599')).status).toBe(200);
    expect((await request(app).get('/destinations/host-600')).body).toMatchObject({ status: 404, code: 'not_found' });
  });
});

describe('With keys, destinations', () => {
  const keyed = () =>
    telling([reportOf()], { keys: parseApiKeys(`shop=${SHOP}`), adminKeys: parseApiKeys(`root=${ADMIN}`) });

  it.each(['/destinations', '/destinations/receiver.example'])('are shown to admins alone: %s', async (path) => {
    const { app } = keyed();
    const statusFor = async (headers: Record<string, string>) => (await request(app).get(path).set(headers)).status;

    expect(await statusFor({ 'X-API-Key': ADMIN })).toBe(200);
    expect(await statusFor({ 'X-API-Key': SHOP })).toBe(404);
    expect(await statusFor({})).toBe(401);
  });
});
