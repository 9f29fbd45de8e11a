import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Express } from 'express';
import helmet from 'helmet';
import { allowOnly } from './allow-only.ts';

const HTML = 'text/html; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

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
/** Its samples of whatever has "json" in its type are JSON: lines of it, given as text, would become one quoted string. */
const SWAGGER_START = `const linesAsTheyAre = {
  afterLoad(system) {
    const { fn } = system.getSystem();
    for (const home of [fn, fn.jsonSchema202012]) {
      const sample = home?.getSampleSchema;
      if (!sample) continue;
      home.getSampleSchema = (schema, type, config, example) =>
        typeof example === 'string' && type.includes('ndjson') ? example : sample(schema, type, config, example);
    }
  },
};
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#page',
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: true,
  plugins: [linesAsTheyAre],
});
`;

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
  const serve = (path: string, type: string, read: () => string | Buffer) => {
    const document = once(() => documentOf(type, read()));
    app
      .route(path)
      .get(pageHeaders, (_req, res) => {
        const { headers, bytes } = document();
        res.setHeaders(headers).send(bytes);
      })
      .all(allowOnly('GET'));
  };
  const swaggerUi = (name: string) => () => readFileSync(join(SWAGGER_UI, name));

  serve('/openapi.json', 'application/json', () => JSON.stringify(openApi));
  serve('/docs', HTML, () => SWAGGER_PAGE);
  serve('/docs/start.js', SCRIPT, () => SWAGGER_START);
  serve('/docs/swagger-ui-bundle.js', SCRIPT, swaggerUi('swagger-ui-bundle.js'));
  serve('/docs/swagger-ui.css', 'text/css; charset=utf-8', swaggerUi('swagger-ui.css'));
  serve('/docs/favicon-32x32.png', 'image/png', swaggerUi('favicon-32x32.png'));
  serve('/redoc', HTML, () => REDOC_PAGE);
  serve('/redoc/start.js', SCRIPT, () => REDOC_START);
  serve('/redoc/redoc.standalone.js', SCRIPT, redocBundle);
}

/**
 * One buffer for all who ask: none of this needs a key, and whoever asks a thousand times without reading an answer must not
 * get a megabyte for each.
 */
function documentOf(type: string, content: string | Buffer) {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  // A browser keeps it, and asks each time whether it is still that of the version that runs.
  const headers = {
    'Content-Type': type,
    'Cache-Control': 'no-cache',
    ETag: `"${hash('sha256', bytes, 'base64url')}"`,
  };
  return { headers: new Map(Object.entries(headers)), bytes };
}

/** Made for the first who asks: most replicas never show a page. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
