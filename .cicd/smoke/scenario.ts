import { setTimeout as delay } from 'node:timers/promises';
import { startHttpReceiver } from '../../test/support/receiver.ts';
import { startBalancer } from './balancer.ts';
import type { Environment, Launch } from './copy.ts';

/** What came of it. Times in milliseconds. */
export interface SmokeReport {
  created: number;
  /** Timers that were received at least once. */
  received: number;
  /** Calls beyond the first of a timer. */
  repeated: number;
  /** Calls before the timer was due. */
  early: number;
  latenessP50: number;
  latenessMax: number;
  /** Of these paths, through nginx. */
  answers: Record<string, number>;
  /** How many copies answered before one was killed. */
  copiesBalanced: number;
  copiesHealthy: number;
  /** Of the copy that was left, on SIGTERM. */
  exitCode: number | null;
}

const PAGES = [
  '/ready',
  '/docs',
  '/docs/swagger-ui-bundle.js',
  '/redoc',
  '/redoc/redoc.standalone.js',
  '/openapi.json',
];

/** What must come of it wherever it runs. */
export const EXPECTED: Partial<SmokeReport> = {
  created: 100,
  received: 100,
  early: 0,
  answers: { ...Object.fromEntries(PAGES.map((path) => [path, 200])), '/timers/none': 401 },
  copiesBalanced: 2,
  copiesHealthy: 2,
  exitCode: 0,
};

interface CreatedTimer {
  id: string;
  due_at: string;
}

const TIMERS_BEFORE_CRASH = 60;
const TIMERS_AFTER_CRASH = 40;
const SPACING_MS = 25;
const READY_WITHIN_MS = 60_000;
const RECEIVED_WITHIN_MS = 40_000;
const SECRET = 'a-secret-of-the-smoke-test-which-is-long-enough';
/** The shortest lease there is room for, as the timers of the killed copy wait for it. */
const SETTINGS: Environment = {
  NODE_ENV: 'production',
  PATH: process.env.PATH ?? '',
  POLL_INTERVAL_MS: '100',
  LOOKAHEAD_MS: '500',
  WEBHOOK_TIMEOUT_MS: '1000',
  LEASE_MS: '6500',
  API_KEYS: `smoke=${SECRET}`,
  ALLOWED_NETWORKS: '127.0.0.0/8',
  TRUST_PROXY: '1',
};

/**
 * Two copies on one database behind nginx; 100 timers are made through it, and one copy is killed while they fire. Rejects,
 * with what the copies and nginx wrote, when something does not come about in time.
 */
export async function runSmokeTest({
  database,
  launch,
}: {
  /** The variables that name it. */
  database: Environment;
  launch: Launch;
}): Promise<SmokeReport> {
  const calls: { id: string; at: number }[] = [];
  await using receiver = await startHttpReceiver((response, { url }) => {
    calls.push({ id: url.slice('/hook/'.length), at: Date.now() });
    response.writeHead(204).end();
  });
  await using balancer = await startBalancer();
  const { url: base, addresses, port } = balancer;
  const start = (host: string) => launch({ ...SETTINGS, ...database, HOST: host, PORT: String(port) });
  await using first = await start(addresses[0]);
  await using second = await start(addresses[1]);

  const create = (seconds: number) => createTimer(base, { seconds, url: `${receiver.url}/hook` });
  try {
    const own = addresses.map((address) => `http://${address}:${port}`);
    await until(async () => (await Promise.all(own.map(isReady))).every(Boolean), READY_WITHIN_MS, 'ready');
    // Not before: nginx leaves a replica out for a while that does not accept connections.
    await until(() => isReady(base), READY_WITHIN_MS, 'ready');
    const copiesHealthy = (await Promise.all([first.isHealthy(), second.isHealthy()])).filter(Boolean).length;
    const answers = Object.fromEntries(
      await Promise.all([...PAGES, '/timers/none'].map(async (path) => [path, await statusOf(base + path)] as const)),
    );

    // One after another, so that they are due one after another, and the copy that is killed holds some of them.
    const before: Awaited<ReturnType<typeof create>>[] = [];
    while (before.length < TIMERS_BEFORE_CRASH) {
      before.push(await create(2));
      await delay(SPACING_MS);
    }
    await until(() => Promise.resolve(calls.length >= TIMERS_BEFORE_CRASH / 3), RECEIVED_WITHIN_MS, 'received');
    await first.kill();
    const after = await Promise.all(Array.from({ length: TIMERS_AFTER_CRASH }, (_, index) => create(index % 4)));

    const dueAt = new Map([...before, ...after].map(({ timer }) => [timer.id, Date.parse(timer.due_at)]));
    const firstCalls = () => new Map(calls.toReversed().map(({ id, at }) => [id, at]));
    const allReceived = () => [...dueAt.keys()].every((id) => firstCalls().has(id));
    await until(() => Promise.resolve(allReceived()), RECEIVED_WITHIN_MS, 'received');

    const lateness = [...firstCalls()].map(([id, at]) => at - (dueAt.get(id) ?? NaN)).sort((a, b) => a - b);
    return {
      created: dueAt.size,
      received: lateness.length,
      repeated: calls.length - lateness.length,
      early: calls.filter(({ id, at }) => !(at >= (dueAt.get(id) ?? Infinity))).length,
      latenessP50: lateness[Math.floor(lateness.length / 2)] ?? NaN,
      latenessMax: lateness.at(-1) ?? NaN,
      answers,
      copiesBalanced: new Set(before.map(({ copy }) => copy)).size,
      copiesHealthy,
      exitCode: await second.stop(),
    };
  } catch (error) {
    const written = [`nginx:\n${await balancer.log()}`, `first:\n${first.output()}`, `second:\n${second.output()}`];
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${written.join('\n')}`, {
      cause: error,
    });
  }
}

/** The timer, and a mark of the copy that made it: what it puts before the number in its request ids. */
async function createTimer(base: string, body: object): Promise<{ timer: CreatedTimer; copy: string | undefined }> {
  const response = await fetch(`${base}/timers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`A timer was answered with ${response.status}: ${text}`);
  return { timer: JSON.parse(text) as CreatedTimer, copy: response.headers.get('x-request-id')?.split('-')[0] };
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  await response.arrayBuffer();
  return response.status;
}

const isReady = (base: string): Promise<boolean> =>
  statusOf(`${base}/ready`).then(
    (status) => status === 200,
    () => false,
  );

async function until(holds: () => Promise<boolean>, withinMs: number, what: string): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`Not all ${what} within ${withinMs} ms.`);
    await delay(25);
  }
}
