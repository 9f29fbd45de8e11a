import { expect, it } from '@jest/globals';
import request from 'supertest';
import { parseApiKeys } from '../../src/api/index.ts';
import { claimOf, resultOf } from '../support/timers.ts';
import { HOOK, placesThatTell, START, standingClock } from './api-under-test.ts';
import { describeOnStores } from './on-stores.ts';

const SECRETS = ['0', '1'].map((digit) => digit.repeat(32)) as [string, string];
let used = 0;
const fresh = () => `cart/${++used}`;
const pathOf = (key: string) => `/timers/by-key/${encodeURIComponent(key)}`;

describeOnStores('A timer under a key of its client', (opened) => {
  const put = (key: string, body: object, app = opened().api().app) =>
    request(app)
      .put(pathOf(key))
      .send({ url: HOOK, ...body });
  const get = (key: string) => request(opened().api().app).get(pathOf(key));
  const remove = (key: string) => request(opened().api().app).delete(pathOf(key));
  const idOf = ({ body }: request.Response) => (body as { id: string }).id;
  /** As a pass would take it. */
  const claim = async (id: string) => {
    const { wakeAt } = await opened().stored(id);
    const query = claimOf({ wakeFrom: wakeAt, wakeTo: wakeAt, leaseEndsAt: wakeAt + 30_000 });
    return (await opened().store.claim(query)).find((timer) => timer.id === id);
  };
  const post = (path: string, body?: object, app = opened().api().app) => request(app).post(path).send(body);
  const fail = async (id: string) => {
    const held = await claim(id);
    if (held === undefined) throw new Error('another one was claimed');
    await opened().store.record([resultOf(held, { status: 'failed', reason: 'gone' })]);
  };
  const putAndFail = async (key: string) => {
    const id = idOf(await put(key, { delay: '30m', label: key }));
    await fail(id);
    return id;
  };
  const REPLAYS: [string, (id: string, label: string) => request.Test][] = [
    ['alone', (id) => post(`/timers/${id}/replay`)],
    ['among many', (_id, label) => post('/timers/replay', { filter: { status: 'failed', label } })],
  ];

  it('is made by the first PUT, and moved and edited by the next', async () => {
    const key = fresh();
    const made = await put(key, { delay: '30m', label: 'cart' });
    const before = await opened().count();
    const { clock, turn } = standingClock();
    turn(60_000);

    const moved = await put(key, { delay: '30m', method: 'PUT' }, opened().api({ storeClock: clock }).app);

    expect([made.status, made.headers.location]).toEqual([201, `/timers/${idOf(made)}`]);
    expect(made.body).toMatchObject({ key, label: 'cart', time_left: 1800 });
    expect([moved.status, moved.headers.location]).toEqual([200, `/timers/${idOf(made)}`]);
    expect(moved.body).toMatchObject({
      id: idOf(made),
      key,
      label: null,
      method: 'PUT',
      time_left: 1800,
      due_at: new Date(START + 60_000 + 1_800_000).toISOString(),
      created_at: (made.body as { created_at: string }).created_at,
    });
    expect(await opened().count()).toBe(before);
  });

  it('is read and cancelled by its key, and made anew after that', async () => {
    const key = fresh();
    const made = await put(key, { delay: '30m' });
    expect((await get(key)).body).toEqual(made.body);

    const cancelled = await remove(key);

    expect([cancelled.status, cancelled.body]).toMatchObject([
      200,
      { id: idOf(made), status: 'cancelled', time_left: 0 },
    ]);
    expect((await remove(key)).status).toBe(200);
    expect((await get(key)).body).toMatchObject({ status: 'cancelled' });
    const again = await put(key, { delay: '30m' });
    expect(again.status).toBe(201);
    expect(idOf(again)).not.toBe(idOf(made));
    expect((await get(key)).body).toEqual(again.body);
  });

  it('cannot be changed or cancelled once a replica executes it', async () => {
    const key = fresh();
    const made = await put(key, { delay: '30m' });
    await claim(idOf(made));

    for (const answer of [await put(key, { delay: '1h' }), await remove(key)]) {
      expect([answer.status, answer.body]).toMatchObject([409, { code: 'already_executing' }]);
    }
    expect((await get(key)).body).toMatchObject({
      status: 'executing',
      due_at: (made.body as { due_at: string }).due_at,
    });
  });

  it('is not made late by a PUT with an instant that has passed', async () => {
    const key = fresh();
    await put(key, { delay: '30m' });
    const { clock, turn } = standingClock();
    turn(600_000);

    const { app } = opened().api({ storeClock: clock });
    const moved = await put(key, { due_at: '2020-01-01T00:00:00Z' }, app);

    expect(moved.body).toMatchObject({ due_at: new Date(START + 600_000).toISOString() });
  });

  it('belongs to its owner, who alone sees the key', async () => {
    const key = fresh();
    const { app } = opened().api({ keys: parseApiKeys(`shop=${SECRETS[0]},depot=${SECRETS[1]}`) });
    const [shop, depot] = SECRETS.map((secret) => (test: request.Test) => test.set('X-API-Key', secret));
    if (shop === undefined || depot === undefined) throw new Error('there are two keys');
    const made = await shop(put(key, { delay: '30m' }, app));

    expect((await depot(request(app).get(pathOf(key)))).status).toBe(404);
    expect((await depot(request(app).delete(pathOf(key)))).status).toBe(404);
    const other = await depot(put(key, { delay: '30m' }, app));

    expect(other.status).toBe(201);
    expect(idOf(await shop(request(app).get(pathOf(key))))).toBe(idOf(made));
  });

  it('may not be a dot or two, which every browser takes for another path', async () => {
    const timers = ['.', '..', '...', '.a'].map((key) => ({ url: HOOK, hours: 1, key }));

    const answer = await post('/timers/batch', { timers });

    expect((answer.body as { results: { status: number }[] }).results.map(({ status }) => status)).toEqual([
      422, 422, 201, 201,
    ]);
  });

  it.each(['x'.repeat(256), 'a b', 'ü', 'a\nb'])('may not be "%s"', async (key) => {
    const before = await opened().count();

    const answer = await put(key, {});

    expect([answer.status, answer.body]).toMatchObject([
      422,
      {
        detail:
          'The key in the path must be 1 to 255 characters of printable ASCII without blanks, and not a dot or two.',
      },
    ]);
    expect((await get(key)).status).toBe(404);
    expect((await remove(key)).status).toBe(404);
    expect(await opened().count()).toBe(before);
  });

  it.each(['x'.repeat(255), '!~', 'a/b?c#d%e', `'";--`, '...'])('may be "%s"', async (key) => {
    const made = await put(key, { delay: '30m' });

    expect(made.body).toMatchObject({ key });
    expect((await get(key)).body).toEqual(made.body);
  });

  it.each(REPLAYS)(
    'is replayed %s as the latest of its key, and moved and cancelled by it again',
    async (_name, replay) => {
      const key = fresh();
      const id = await putAndFail(key);

      expect((await replay(id, key)).status).toBe(200);
      expect(await opened().stored(id)).toMatchObject({ status: 'waiting', run: 1 });

      const moved = await put(key, { delay: '1h', label: key });
      expect([moved.status, idOf(moved)]).toEqual([200, id]);
      expect((await remove(key)).body).toMatchObject({ id, status: 'cancelled' });
    },
  );

  it('is not replayed once its key stands for a later one, which alone its client can still hold back', async () => {
    const key = fresh();
    const id = await putAndFail(key);
    const later = await put(key, { delay: '30m', label: key });

    const [alone, amongMany] = [await post(`/timers/${id}/replay`), await REPLAYS[1]?.[1](id, key)];

    expect([alone.status, alone.body]).toMatchObject([
      409,
      { code: 'superseded', detail: expect.stringContaining(idOf(later)) },
    ]);
    expect([amongMany?.status, amongMany?.body]).toMatchObject([200, { replayed: 0, more: false }]);
    expect(await opened().stored(id)).toMatchObject({ status: 'failed', run: 0 });
    expect((await get(key)).body).toEqual(later.body);
  });

  it('gives the place in the queue back that was held for a replay which is refused', async () => {
    const key = fresh();
    const id = await putAndFail(key);
    await put(key, { delay: '30m' });
    const { shortTimers, steps } = placesThatTell();
    const { app } = opened().api({ shortTimers });

    expect((await post(`/timers/${id}/replay`, undefined, app)).status).toBe(409);

    expect(steps).toEqual(['free']);
  });

  const putOnce = (idempotencyKey: string, key: string, body: object) =>
    put(key, body).set('Idempotency-Key', idempotencyKey);

  it('is not made a second time by a PUT with an Idempotency-Key that is sent again when the timer has been called', async () => {
    const key = fresh();
    const made = await putOnce(`once ${key}`, key, { delay: '30m' });
    await fail(idOf(made));
    const before = await opened().count();

    const again = await putOnce(`once ${key}`, key, { delay: '30m' });

    expect([made.status, made.headers['idempotent-replayed']]).toEqual([201, undefined]);
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect([again.text, again.headers.location]).toEqual([made.text, made.headers.location]);
    expect(await opened().count()).toBe(before);
  });

  it('is not moved back by such a PUT that is sent again after another one', async () => {
    const key = fresh();
    await put(key, { delay: '30m' });
    const moved = await putOnce(`once ${key}`, key, { delay: '1h' });
    const later = await put(key, { delay: '2h' });

    const again = await putOnce(`once ${key}`, key, { delay: '1h' });

    expect([again.status, again.text, again.headers['idempotent-replayed']]).toEqual([200, moved.text, 'true']);
    expect((await get(key)).body).toEqual(later.body);
  });

  it('stays as it is when such a PUT asks for something else, for another key, or as another kind of request', async () => {
    const [key, other] = [fresh(), fresh()];
    const made = await putOnce(`once ${key}`, key, { delay: '30m' });
    const before = await opened().count();

    const answers = [
      await putOnce(`once ${key}`, key, { delay: '31m' }),
      await putOnce(`once ${key}`, other, { delay: '30m' }),
      await post('/timers', { url: HOOK, delay: '30m' }).set('Idempotency-Key', `once ${key}`),
    ];

    for (const { status, body } of answers) {
      expect([status, body]).toMatchObject([422, { code: 'idempotency_key_reused' }]);
    }
    expect((await putOnce('x'.repeat(256), key, { delay: '31m' })).body).toMatchObject({ code: 'invalid_request' });
    expect((await get(key)).body).toEqual(made.body);
    expect(await opened().count()).toBe(before);
  });

  it('is one, however many PUTs come at once to two replicas', async () => {
    const key = fresh();
    const replicas = [opened().api().app, opened().api({ store: opened().replica }).app] as const;
    const before = await opened().count();

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        put(key, { delay: '30m', label: `${index}` }, replicas[index % 2 === 0 ? 0 : 1]),
      ),
    );

    expect(new Set(answers.map(idOf)).size).toBe(1);
    expect(answers.map(({ status }) => status).filter((status) => status === 201)).toHaveLength(1);
    expect((await opened().count()) - before).toBe(1);
  });
});
