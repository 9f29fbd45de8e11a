import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Express, Response } from 'express';
import helmet from 'helmet';
import { allowOnly } from './allow-only.ts';
import { sendJson } from './answer.ts';

const SWAGGER_UI = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));

/** The image has no development dependencies: its build puts a copy of redoc beside this file. */
const REDOC_COPY = fileURLToPath(new URL('./assets/redoc.standalone.js', import.meta.url));
/** The one thing redoc would load from elsewhere, and that it does without when it cannot. */
const REDOC_LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg';

function redocBundle(): string {
  const path = existsSync(REDOC_COPY)
    ? REDOC_COPY
    : fileURLToPath(import.meta.resolve('redoc/bundles/redoc.standalone.js'));
  return readFileSync(path, 'utf8').replace(REDOC_LOGO, 'data:,');
}

const page = ({ title, head, scripts }: { title: string; head: string; scripts: string[] }) =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="/docs/favicon-32x32.png">
${head}
</head>
<body>
<div id="page"></div>
${scripts.map((src) => `<script src="${src}"></script>`).join('\n')}
</body>
</html>
`;

const SWAGGER_PAGE = page({
  title: 'Punctual API',
  head: '<link rel="stylesheet" href="/docs/swagger-ui.css">',
  scripts: ['/docs/swagger-ui-bundle.js', '/docs/start.js'],
});
const SWAGGER_START =
  "SwaggerUIBundle({ url: '/openapi.json', dom_id: '#page', deepLinking: true, validatorUrl: null, tryItOutEnabled: true });\n";

const REDOC_PAGE = page({
  title: 'Punctual API reference',
  head: '<style>body { margin: 0 }</style>',
  scripts: ['/redoc/redoc.standalone.js', '/redoc/start.js'],
});
const REDOC_START = "Redoc.init('/openapi.json', {}, document.getElementById('page'));\n";

/** Everything from this origin, so the pages work offline and tell nobody who reads them; over plain http, so no upgrade to https. */
const pageHeaders = helmet({
  strictTransportSecurity: false,
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      // Both pages write their styles by script.
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'font-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
      // Redoc searches in a worker that it makes from its own bundle.
      'worker-src': ["'self'", 'blob:'],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
    },
  },
});

export function mountDocs(app: Express, { openApi }: { openApi: object }): void {
  const serve = (path: string, send: (res: Response) => void) =>
    app
      .route(path)
      .get(pageHeaders, (_req, res) => send(res))
      .all(allowOnly('GET'));
  const text = (type: string, content: string) => (res: Response) => void res.type(type).send(content);

  serve('/openapi.json', (res) => sendJson(res, { status: 200, body: openApi }));
  serve('/docs', text('html', SWAGGER_PAGE));
  serve('/docs/start.js', text('js', SWAGGER_START));
  for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png']) {
    serve(`/docs/${name}`, (res) => res.sendFile(name, { root: SWAGGER_UI }));
  }
  serve('/redoc', text('html', REDOC_PAGE));
  serve('/redoc/start.js', text('js', REDOC_START));
  serve('/redoc/redoc.standalone.js', text('js', redocBundle()));
}
