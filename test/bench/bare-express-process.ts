// An Express application with the API's own middleware, and a route that reads JSON, answers JSON of the size that the API
// answers, and stores nothing.
import { createAdmission } from '../../src/api/admission.ts';
import { sendJson } from '../../src/api/answer.ts';
import { createBodyBudget } from '../../src/api/body-budget.ts';
import { createExpressApp } from '../../src/api/express-app.ts';
import { createListener } from '../../src/api/listener.ts';
import { MAX_TIMER_BYTES, readJson } from '../../src/api/read-json.ts';
import { WAITING } from '../../src/api/timer-examples.ts';
import { createMetrics } from '../../src/metrics/index.ts';
import { createLogger, systemClock as clock } from '../../src/platform/index.ts';

const logger = createLogger({ level: 'info', terminal: false });
const bodies = createBodyBudget();
const admit = createAdmission({ keys: [], adminKeys: [], rateLimitPerSecond: undefined, clock });
const metrics = createMetrics({
  isReady: () => true,
  load: () => ({ held: 0, queued: 0, inFlight: 0, unrecorded: 0 }),
  clockOffsetMs: () => 0,
});
let answered = 0;

const handler = createExpressApp({
  loopbackOnly: true,
  trustProxy: undefined,
  isStopping: () => false,
  clock,
  logger,
  onAnswered: (answer) => metrics.onAnswered(answer),
  mountOpen: () => undefined,
  mountGuarded: (app) =>
    app.route('/timers').post(
      admit(async (req, res) => {
        const asked = (await readJson(req, { maxBytes: MAX_TIMER_BYTES, bodies })) as { url: string };
        const id = `00000000-0000-7000-8000-${String(answered++).padStart(12, '0')}`;
        sendJson(res, {
          status: 201,
          headers: { Location: `/timers/${id}` },
          body: { ...WAITING, id, url: asked.url },
        });
      }),
    ),
});

const listener = createListener({
  host: '127.0.0.1',
  port: 0,
  handler,
  clock,
  logger,
  deadlines: undefined,
  maxConnections: undefined,
});
await listener.start();
process.on('disconnect', () => process.exit());
process.send?.({ port: listener.address().port });
