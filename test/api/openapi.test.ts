import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { parseApiKeys } from '../../src/api/index.ts';
import { Refusal } from '../../src/timers/index.ts';
import { apiUnderTest, HOOK } from './api-under-test.ts';
import { validatorOf } from './validator-of.ts';

interface Media {
  schema: { $ref?: string };
  examples?: Record<string, { value: unknown }>;
}
interface Operation {
  operationId: string;
  summary: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { description: string; headers?: object; content: Record<string, Media> }>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  servers: { url: string }[];
  security?: unknown[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes?: object };
}

async function published(overrides: Parameters<typeof apiUnderTest>[0] = {}) {
  const api = apiUnderTest(overrides);
  const answer = await request(api.app).get('/openapi.json');
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
  return { ...api, document: answer.body as Document };
}

const operationsOf = (document: Document): [string, string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, string, Operation] => [method, path, operation]),
  );

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 of this version, served from where it is read', async () => {
    const { document } = await published();

    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Punctual', version: '1.2.3' },
      servers: [{ url: '/' }],
    });
  });

  it('holds together: ids are unique, references lead somewhere, path parameters are declared, all is described', async () => {
    const { document } = await published();
    const operations = operationsOf(document);

    expect(new Set(operations.map(([, , { operationId }]) => operationId)).size).toBe(operations.length);
    for (const [, reference] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(reference);
    }
    for (const [, path, { summary, parameters = [], responses }] of operations) {
      const inPath = parameters.filter((parameter) => parameter.in === 'path' && parameter.required);
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(summary).not.toBe('');
      expect(Object.keys(responses)).not.toEqual([]);
      for (const { description } of Object.values(responses)) expect(description).not.toBe('');
    }
  });

  it('has examples that its own schemas accept, and that the API takes', async () => {
    const { app, document } = await published();
    const examples = operationsOf(document).flatMap(([, , { requestBody, responses }]) =>
      [requestBody, ...Object.values(responses)].flatMap((part) =>
        Object.values(part?.content ?? {}).flatMap((media) =>
          Object.values(media.examples ?? {}).map(({ value }) => ({ media, value })),
        ),
      ),
    );

    expect(examples.length).toBeGreaterThanOrEqual(5);
    for (const { media, value } of examples) {
      expect(validatorOf(document, media).safeParse(value)).toMatchObject({ success: true });
    }
    const bodies = document.paths['/timers']?.post?.requestBody?.content['application/json']?.examples ?? {};
    for (const { value } of Object.values(bodies)) {
      expect(
        (
          await request(app)
            .post('/timers')
            .send(value as object)
        ).status,
      ).toBe(201);
    }
  });

  it('tells of every answer that is really given: its status, its type and its shape', async () => {
    const { app, document, store } = await published({ keys: parseApiKeys(`shop=${'0'.repeat(32)}`) });
    const asShop = (test: request.Test) => test.set('X-API-Key', '0'.repeat(32));
    const made = await asShop(request(app).post('/timers')).send({ url: HOOK });
    const answers: ['/timers' | '/timers/{id}' | '/health' | '/ready', 'get' | 'post', request.Response][] = [
      ['/timers', 'post', made],
      ['/timers', 'post', await asShop(request(app).post('/timers')).send({ seconds: -1 })],
      ['/timers', 'post', await asShop(request(app).post('/timers')).type('json').send('{')],
      ['/timers', 'post', await asShop(request(app).post('/timers')).type('text').send('{}')],
      ['/timers', 'post', await asShop(request(app).post('/timers')).send({ x: 'x'.repeat(200_000) })],
      ['/timers', 'post', await request(app).post('/timers').send({ url: HOOK })],
      ['/timers/{id}', 'get', await asShop(request(app).get(`/timers/${(made.body as { id: string }).id}`))],
      ['/timers/{id}', 'get', await asShop(request(app).get('/timers/42'))],
      ['/health', 'get', await request(app).get('/health')],
      ['/ready', 'get', await request(app).get('/ready')],
    ];
    store.failure = new Refusal('store_unavailable', 'The store does not answer.');
    answers.push(['/timers', 'post', await asShop(request(app).post('/timers')).send({ url: HOOK })]);
    store.failure = new Error('boom');
    answers.push(['/timers', 'post', await asShop(request(app).post('/timers')).send({ url: HOOK })]);

    for (const [path, method, { status, type, body }] of answers) {
      const told = document.paths[path]?.[method]?.responses[String(status)];
      const media = told?.content[type];
      expect([path, status, media && validatorOf(document, media).safeParse(body).error]).toEqual([
        path,
        status,
        undefined,
      ]);
      expect(media).toBeDefined();
      if (status >= 400) expect(told?.description).toContain((body as { code: string }).code);
    }
    expect(new Set(answers.map(([, , { status }]) => status))).toEqual(
      new Set([201, 422, 400, 415, 413, 401, 200, 404, 503, 500]),
    );
  });

  it('tells of what is refused before any route is known, and of paths that cannot be decoded', async () => {
    const { app, document } = await published();
    for (const { responses } of operationsOf(document)
      .filter(([, path]) => path.startsWith('/timers'))
      .map(([, , it]) => it)) {
      expect(responses['400']?.description).toContain('malformed_request');
      expect(responses['431']?.description).toContain('headers_too_large');
    }
    expect((await request(app).put('/timers/by-key/%ff').send({})).status).toBe(404);
    expect(document.paths['/timers/by-key/{key}']?.put?.responses['404']?.description).toContain('not_found');
  });

  it('has rules that accept and refuse what the API does', async () => {
    const { document } = await published();
    const host = document.paths['/timers']?.get?.parameters?.find(({ name }) => name === 'host');
    const label = (document.components.schemas.NewTimer as { properties: { label: object } }).properties.label;

    expect('Some-Server.com:8443').toMatch(
      new RegExp((host as unknown as { schema: { pattern: string } }).schema.pattern),
    );
    expect(label).toMatchObject({ minLength: 1, maxLength: 128 });
  });

  it('tells of an Idempotency-Key wherever one is taken, and of the answers to it there and elsewhere', async () => {
    const { app, document } = await published();
    const put = (body: object) => request(app).put('/timers/by-key/a').set('Idempotency-Key', 'k').send(body);
    const importLines = request(app).post('/timers/import').type('application/x-ndjson').set('Idempotency-Key', 'k');
    const answers: [string, string, request.Response, number][] = [
      ['/timers/by-key/{key}', 'put', await put({ url: HOOK, delay: '1h' }), 201],
      ['/timers/by-key/{key}', 'put', await put({ url: HOOK, delay: '2h' }), 422],
      ['/timers/import', 'post', await importLines, 422],
      ['/timers/batch', 'post', await request(app).post('/timers/batch').set('Idempotency-Key', 'k').send({}), 422],
    ];

    for (const [path, method, { status, type, body }, expected] of answers) {
      const told = document.paths[path]?.[method]?.responses[String(status)];
      const media = told?.content[type];
      expect([path, status, media && validatorOf(document, media).safeParse(body).error]).toEqual([
        path,
        expected,
        undefined,
      ]);
      if (status >= 400) expect(told?.description).toContain((body as { code: string }).code);
    }
    const taking = operationsOf(document).filter(([, , { parameters = [] }]) =>
      parameters.some(({ name, in: place }) => name === 'Idempotency-Key' && place === 'header'),
    );
    expect(taking.map(([method, path]) => `${method} ${path}`)).toEqual(['post /timers', 'put /timers/by-key/{key}']);
    for (const [, , { responses }] of taking) {
      expect(responses['201']?.headers).toMatchObject({ Location: {}, 'Idempotent-Replayed': {} });
    }
  });

  it('names the ways to send a key where keys are set, and only there', async () => {
    const { document: open } = await published();
    const { document: keyed } = await published({ keys: parseApiKeys(`shop=${'0'.repeat(32)}`) });

    expect(open.security).toBeUndefined();
    expect(open.components.securitySchemes).toBeUndefined();
    expect(open.paths['/timers']?.post?.responses['401']).toBeUndefined();
    expect(keyed.security).toEqual([{ bearer: [] }, { apiKey: [] }]);
    expect(keyed.components.securitySchemes).toMatchObject({
      bearer: { scheme: 'bearer' },
      apiKey: { name: 'X-API-Key' },
    });
    expect(keyed.paths['/timers']?.post?.responses['401']).toBeDefined();
    expect(keyed.paths['/health']?.get?.security).toEqual([]);
  });
});
