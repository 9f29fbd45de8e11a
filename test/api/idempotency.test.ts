import { expect, it } from '@jest/globals';
import request from 'supertest';
import { parseApiKeys } from '../../src/api/index.ts';
import { Refusal } from '../../src/timers/index.ts';
import { HOOK, placesThatTell, START, standingClock } from './api-under-test.ts';
import { describeOnStores } from './on-stores.ts';

const SECRETS = ['0', '1'].map((digit) => digit.repeat(32)) as [string, string];
const keys = parseApiKeys(`shop=${SECRETS[0]},depot=${SECRETS[1]}`);
let used = 0;
const fresh = () => `key ${++used}`;

describeOnStores('POST /timers with an Idempotency-Key', (opened) => {
  const post = (key: string, body: object, app = opened().api().app) =>
    request(app).post('/timers').set('Idempotency-Key', key).send(body);

  it('gives the same request the first answer again, says so, and makes no second timer', async () => {
    const key = fresh();
    const first = await post(key, { seconds: 90, url: HOOK, headers: { Authorization: 's' }, label: 'ü' });
    const before = await opened().count();

    const again = await post(key, { label: 'ü', url: HOOK, headers: { Authorization: 's' }, seconds: 90 });

    expect([first.status, first.headers['idempotent-replayed']]).toEqual([201, undefined]);
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(again.text).toBe(first.text);
    expect(again.headers.location).toBe(first.headers.location);
    expect(await opened().count()).toBe(before);
  });

  it('gives the first answer also when the timer has changed since', async () => {
    const key = fresh();
    const first = await post(key, { seconds: 90, url: HOOK });
    const { id } = first.body as { id: string };
    await request(opened().api().app).delete(`/timers/${id}`);

    expect((await post(key, { seconds: 90, url: HOOK })).body).toEqual(first.body);
  });

  it('refuses another request, and stores nothing of it', async () => {
    const key = fresh();
    await post(key, { seconds: 90, url: HOOK });
    const before = await opened().count();

    const other = await post(key, { seconds: 91, url: HOOK });

    expect([other.status, other.body]).toMatchObject([422, { code: 'idempotency_key_reused' }]);
    expect(await opened().count()).toBe(before);
  });

  it('does not remember a request that was refused', async () => {
    const key = fresh();
    await post(key, { seconds: -1, url: HOOK });

    expect((await post(key, { seconds: 1, url: HOOK })).status).toBe(201);
  });

  it('forgets after 24 hours', async () => {
    const key = fresh();
    const { clock, turn } = standingClock();
    const { app } = opened().api({ storeClock: clock });
    const first = await post(key, { seconds: 90, url: HOOK }, app);

    turn(24 * 3_600_000 - 1);
    expect((await post(key, { seconds: 90, url: HOOK }, app)).body).toEqual(first.body);
    turn(1);
    const later = await post(key, { seconds: 90, url: HOOK }, app);

    expect([later.status, later.headers['idempotent-replayed']]).toEqual([201, undefined]);
    expect(later.body).toMatchObject({ created_at: new Date(START + 24 * 3_600_000).toISOString() });
  });

  it('keeps the keys of one owner from those of another', async () => {
    const key = fresh();
    const { app } = opened().api({ keys });

    const answers = await Promise.all(
      SECRETS.map((secret) => post(key, { seconds: 1, url: HOOK }, app).set('X-API-Key', secret)),
    );

    const ids = answers.map(({ status, body }) => [status, (body as { id: string }).id]);
    expect(new Set(ids.flat()).size).toBe(3);
  });

  it('makes one timer of fifty requests at once to two replicas, who all answer the same', async () => {
    const key = fresh();
    const replicas = [opened().api().app, opened().api({ store: opened().replica }).app] as const;
    const before = await opened().count();

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        post(key, { seconds: 90, url: HOOK }, replicas[index % 2 === 0 ? 0 : 1]),
      ),
    );

    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1);
    expect((await opened().count()) - before).toBe(1);
  });

  it('answers again what was committed though its answer was lost', async () => {
    const key = fresh();
    const { store } = opened();
    const unanswered = opened().api({
      store: {
        ...store,
        async insertKeyed(entries) {
          await store.insertKeyed(entries);
          throw new Refusal('store_unavailable', 'The database gave no answer in time.');
        },
      },
    });
    const before = await opened().count();
    expect((await post(key, { seconds: 90, url: HOOK }, unanswered.app)).status).toBe(503);

    const again = await post(key, { seconds: 90, url: HOOK });

    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect((await opened().count()) - before).toBe(1);
  });

  it.each(['', 'ü', 'x'.repeat(256)])('refuses the key "%s"', async (key) => {
    const answer = await post(Buffer.from(key).toString('latin1'), { seconds: 1, url: HOOK });

    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      detail: 'The header Idempotency-Key must be 1 to 255 characters of printable ASCII.',
    });
  });

  it('holds a place for a short timer only until it turns out to be made already', async () => {
    const key = fresh();
    const { shortTimers, steps } = placesThatTell();
    const { app } = opened().api({ shortTimers });

    await post(key, { url: HOOK }, app);
    await post(key, { url: HOOK }, app);

    expect(steps).toEqual(['commit', 'free']);
  });
});
