import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { systemClock } from '../../src/platform/index.ts';
import { apiUnderTest } from './api-under-test.ts';
import { launchChromium } from './chromium.ts';

describe('in a real browser', () => {
  const api = apiUnderTest({ loopbackOnly: true, clock: systemClock });
  let browser: Awaited<ReturnType<typeof launchChromium>> | undefined;

  beforeAll(async () => {
    await api.start();
    browser = await launchChromium();
    // On a machine without a browser, one is fetched.
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await api.stop();
  });

  const open = async (path: string) => {
    if (!browser) throw new Error('The browser was not launched.');
    const origin = `http://127.0.0.1:${api.address().port}`;
    browser.requested.length = 0;
    browser.complaints.length = 0;
    await browser.open(origin + path);
    const elsewhere = () =>
      browser?.requested.filter((url) => !url.startsWith(`${origin}/`) && !/^(?:data|blob):/.test(url));
    return { page: browser, elsewhere };
  };
  const text = (selector: string) => `document.querySelector(${JSON.stringify(selector)})?.innerText`;
  const click = (selector: string) => `(() => {
    const element = document.querySelector(${JSON.stringify(selector)});
    element?.click();
    return element !== null;
  })()`;

  it('the Swagger page makes a timer by "Execute" and shows 201, and asks no other host for anything', async () => {
    const { page, elsewhere } = await open('/docs');

    await page.until(click('#operations-Timers-createTimer .opblock-summary-control'));
    await page.until("document.querySelector('#operations-Timers-createTimer textarea')?.value");
    await page.until(click('#operations-Timers-createTimer .btn.execute'));

    const status = await page.until(
      text('#operations-Timers-createTimer .live-responses-table tbody .response-col_status'),
    );
    expect(status).toMatch(/^201/);
    expect([...api.store.rows.values()]).toMatchObject([{ url: 'https://someserver.com/hook', delayMs: 14_401_000 }]);
    expect(elsewhere()).toEqual([]);
    expect(page.complaints).toEqual([]);
  });

  it('the Swagger page sends the lines of the import as they are', async () => {
    const { page } = await open('/docs');

    await page.until(click('#operations-Timers-importTimers .opblock-summary-control'));
    await page.until("document.querySelector('#operations-Timers-importTimers textarea')?.value");
    await page.until(click('#operations-Timers-importTimers .btn.execute'));

    const answer = await page.until<string>(text('#operations-Timers-importTimers .live-responses-table tbody'));
    expect(answer).toMatch(/^200/);
    expect(answer).toMatch(/"refused":\s*0/);
    expect(page.complaints).toEqual([]);
  });

  it('the Redoc page shows every operation, and asks no other host for anything', async () => {
    const { page, elsewhere } = await open('/redoc');

    await page.until("document.body?.innerText.includes('Read a timer')");
    await page.until("document.readyState === 'complete'");

    expect(elsewhere()).toEqual([]);
    expect(page.complaints).toEqual([]);
  });
});

describe('the headers of the pages', () => {
  it.each(['/docs', '/redoc', '/docs/start.js'])('of %s keep scripts to our own and work without TLS', async (path) => {
    const { app } = apiUnderTest();

    const { headers } = await request(app).get(path);

    const policy = headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('upgrade-insecure-requests');
    expect(headers['strict-transport-security']).toBeUndefined();
  });

  it.each([
    ['/docs/', 'text/html; charset=utf-8'],
    ['/docs/swagger-ui.css', 'text/css; charset=utf-8'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['/docs/favicon-32x32.png', 'image/png'],
    ['/redoc/redoc.standalone.js', 'text/javascript; charset=utf-8'],
  ])('of %s say that it is %s', async (path, type) => {
    const { app } = apiUnderTest();

    expect((await request(app).get(path)).headers['content-type']).toBe(type);
  });
});

describe.each([
  '/openapi.json',
  '/docs',
  '/docs/start.js',
  '/docs/swagger-ui-bundle.js',
  '/docs/swagger-ui.css',
  '/docs/favicon-32x32.png',
  '/redoc',
  '/redoc/start.js',
  '/redoc/redoc.standalone.js',
])('what %s is answered with', (path) => {
  it('is one buffer for all who ask, so that answers nobody reads take no memory', async () => {
    const { app } = apiUnderTest();
    const sent: unknown[] = [];
    const watched = (req: IncomingMessage, res: ServerResponse) => {
      const end = res.end.bind(res) as (body: unknown) => ServerResponse;
      res.end = (body?: unknown) => {
        sent.push(body);
        return end(body);
      };
      app(req, res);
    };

    await request(watched).get(path);
    await request(watched).get(path);

    expect(sent).toEqual([expect.any(Buffer), expect.any(Buffer)]);
    expect(sent[1]).toBe(sent[0]);
  });

  it('is not sent again to whoever has it', async () => {
    const { app } = apiUnderTest();
    const { headers } = await request(app).get(path);

    const again = await request(app)
      .get(path)
      .set('If-None-Match', headers.etag ?? '');

    expect(headers['cache-control']).toBe('no-cache');
    expect([again.status, again.text]).toEqual([304, '']);
  });
});
