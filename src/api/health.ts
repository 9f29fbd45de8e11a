import type { Express } from 'express';
import { z } from 'zod';
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

export const healthView = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Health' });

export const readinessView = z
  .strictObject({
    status: z.enum(['ready', 'not_ready']),
    reasons: z.array(z.string()).meta({ description: 'What is wrong; empty when ready.' }),
  })
  .meta({ id: 'Readiness' });

/** `/health` says that the process answers, `/ready` that it should get work. Neither ever needs a key. */
export function mountHealth(
  app: Express,
  { readiness, isStopping }: { readiness: () => Readiness | Promise<Readiness>; isStopping: () => boolean },
): void {
  app
    .route('/health')
    .get((_req, res) => sendJson(res, { status: 200, body: { status: 'ok' } satisfies z.infer<typeof healthView> }))
    .all(allowOnly('GET'));

  app
    .route('/ready')
    .get(async (_req, res) => {
      const checks = isStopping() ? [{ name: 'api', problem: 'shutting down' }] : await readiness();
      const reasons = checks.flatMap(({ name, problem }) => (problem === null ? [] : `${name}: ${problem}`));
      const ready = reasons.length === 0;
      sendJson(res, {
        status: ready ? 200 : PROBLEMS.store_unavailable.status,
        body: { status: ready ? 'ready' : 'not_ready', reasons } satisfies z.infer<typeof readinessView>,
      });
    })
    .all(allowOnly('GET'));
}
