import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { makeTimer, T0 } from '../support/timers.ts';
import { serviceUnderTest } from './service-under-test.ts';
import { validatorOf, type Schemas } from './validator-of.ts';

interface Document extends Schemas {
  paths: Record<string, Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>>;
}

let service: Awaited<ReturnType<typeof serviceUnderTest>>;
beforeEach(async () => {
  service = await serviceUnderTest();
});
afterEach(() => service.close());

describe('The OpenAPI document', () => {
  it('tells of every answer that the routes for standing timers give: status, type and shape', async () => {
    const document = (await service.get('/openapi.json')).body as Document;
    const { id } = await service.stored({ label: 'x', metadata: { a: '1' } });
    const done = await service.stored({
      status: 'done',
      wakeAt: T0,
      attempts: 1,
      fence: 1,
      firedAt: T0,
      latenessMs: 0,
      durationMs: 7,
    });
    const overtaken = await service.stored({ key: 'k', status: 'failed', wakeAt: T0 });
    const later = makeTimer({ key: 'k', dueAt: T0 + 60_000 });
    await service.store.insertKeyed([{ timer: later, idempotency: null }]);
    const held = await service.stored({ status: 'executing', claimId: makeTimer().id, wakeAt: T0 + 30_000 });
    const answers: [string, string, Response, number][] = [
      ['/timers', 'get', await service.get('/timers?limit=1'), 200],
      ['/timers', 'get', await service.get('/timers?limit=x'), 422],
      ['/timers/{id}', 'patch', await service.patch(`/timers/${id}`, { hours: 1 }), 200],
      ['/timers/{id}', 'patch', await service.patch(`/timers/${held.id}`, { hours: 1 }), 409],
      ['/timers/{id}', 'patch', await service.patch(`/timers/${id}`, { url: 'x' }), 422],
      ['/timers/{id}', 'patch', await service.patch('/timers/42', { hours: 1 }), 404],
      ['/timers/{id}/extend', 'post', await service.post(`/timers/${id}/extend`, { minutes: 5 }), 200],
      ['/timers/{id}/extend', 'post', await service.post(`/timers/${id}/extend`), 200],
      ['/timers/{id}/wait', 'get', await service.get(`/timers/${done.id}/wait`), 200],
      ['/timers/{id}/wait', 'get', await service.get(`/timers/${done.id}/wait?timeout=0`), 422],
      ['/timers/{id}/attempts', 'get', await service.get(`/timers/${done.id}/attempts`), 200],
      ['/timers/{id}/attempts', 'get', await service.get('/timers/42/attempts'), 404],
      ['/timers/{id}/payload', 'delete', await service.delete(`/timers/${id}/payload`), 409],
      ['/timers/{id}/payload', 'delete', await service.delete(`/timers/${done.id}/payload`), 200],
      ['/timers/{id}/replay', 'post', await service.post(`/timers/${held.id}/replay`), 409],
      ['/timers/{id}/replay', 'post', await service.post(`/timers/${overtaken.id}/replay`), 409],
      ['/timers/{id}/replay', 'post', await service.post(`/timers/${done.id}/replay`), 200],
      ['/timers/cancel', 'post', await service.post('/timers/cancel', { filter: { label: 'y' } }), 200],
      ['/timers/cancel', 'post', await service.post('/timers/cancel', { filter: {} }), 422],
      ['/timers/replay', 'post', await service.post('/timers/replay', { filter: { label: 'y' } }), 200],
      ['/timers/{id}', 'delete', await service.delete(`/timers/${id}`), 200],
      ['/timers/{id}/fire', 'post', await service.post(`/timers/${id}/fire`), 409],
    ];

    for (const [path, method, { status, type, body }, expected] of answers) {
      const media = document.paths[path]?.[method]?.responses[String(status)]?.content[type];
      expect([path, method, status, media === undefined]).toEqual([path, method, expected, false]);
      expect(media && validatorOf(document, media).safeParse(body).error).toBeUndefined();
    }
  });
});
