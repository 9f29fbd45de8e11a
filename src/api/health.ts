import type { Express } from 'express';
import { z } from 'zod';
import type { Clock } from '../platform/index.ts';
import { allowOnly } from './allow-only.ts';
import { sendJson } from './answer.ts';
import { PROBLEMS } from './problem.ts';

/** Whether this replica does its work, check by check; the one who wires the API knows what there is to check. */
export type Readiness = ReadinessCheck[];

export interface ReadinessCheck {
  /** `store`, `scheduler`… */
  name: string;
  /** What is wrong, in words that give no secrets away; null when the check passes. */
  problem: string | null;
}

/** Something about the database that weakens a promise: which, and what to do about it. */
export interface Weakness {
  name: string;
  promise: string;
  detail: string;
}

export interface HealthDeps {
  readiness: () => Readiness | Promise<Readiness>;
  /** Looks again at what the promises rest on. May be slow, and may throw while the store is away. */
  weaknesses: () => Promise<Weakness[]>;
  isRetired: () => boolean;
  clock: Clock;
}

/** `?verbose` asks the database, and needs no key: it is asked no more often than this, whoever calls. Milliseconds. */
const WEAKNESSES_KEPT_MS = 30_000;

export const healthView = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Health' });

export const readinessView = z
  .strictObject({
    status: z.enum(['ready', 'not_ready']),
    reasons: z.array(z.string()).meta({ description: 'What is wrong; empty when ready.' }),
    weaknesses: z
      .array(z.strictObject({ name: z.string(), promise: z.string(), detail: z.string() }))
      .optional()
      .meta({ description: 'With `?verbose`: what about the database weakens a promise, and what to do.' }),
  })
  .meta({ id: 'Readiness' });

/** `/health` says that the process answers, `/ready` that it should get work. Neither ever needs a key. */
export function mountHealth(app: Express, { readiness, weaknesses, isRetired, clock }: HealthDeps): void {
  const keptWeaknesses = keepFor(WEAKNESSES_KEPT_MS, weaknesses, clock);

  app
    .route('/health')
    .get((_req, res) => sendJson(res, { status: 200, body: { status: 'ok' } satisfies z.infer<typeof healthView> }))
    .all(allowOnly('GET'));

  app
    .route('/ready')
    .get(async (req, res) => {
      const checks = isRetired() ? [{ name: 'api', problem: 'shutting down' }] : await readiness();
      const reasons = checks.flatMap(({ name, problem }) => (problem === null ? [] : `${name}: ${problem}`));
      const ready = reasons.length === 0;
      const verbose = 'verbose' in req.query && ready ? { weaknesses: await keptWeaknesses() } : {};
      sendJson(res, {
        status: ready ? 200 : PROBLEMS.store_unavailable.status,
        body: { status: ready ? 'ready' : 'not_ready', reasons, ...verbose } satisfies z.infer<typeof readinessView>,
      });
    })
    .all(allowOnly('GET'));
}

/** Asks once for all who want to know within `keptMs`. What failed is not kept. */
function keepFor(keptMs: number, ask: () => Promise<Weakness[]>, clock: Clock): () => Promise<Weakness[]> {
  let askedAt = -Infinity;
  let answer: Promise<Weakness[]> | undefined;
  return () => {
    if (answer === undefined || clock.monotonic() - askedAt > keptMs) {
      askedAt = clock.monotonic();
      answer = ask().then((found) => found.map(({ name, promise, detail }) => ({ name, promise, detail })));
      answer.catch(() => (answer = undefined));
    }
    return answer;
  };
}
