import type { Request, Response } from 'express';
import type { Clock } from '../platform/index.ts';
import type { ApiKey } from './api-keys.ts';
import { createAuthenticator, type Caller } from './authenticate.ts';
import { Problem } from './problem.ts';
import { createRateLimit } from './rate-limit.ts';

/** A handler that can only be reached by somebody: it cannot be mounted without having been admitted. */
export type CallerHandler = (req: Request, res: Response, caller: Caller) => void | Promise<void>;
export type Admission = (handler: CallerHandler) => (req: Request, res: Response) => void | Promise<void>;

/** What is of everybody's timers; as with a timer of somebody else, there is nothing here for others. */
export const adminOnly =
  (what: string, handler: CallerHandler): CallerHandler =>
  (req, res, caller) => {
    if (!caller.seesAll) throw new Problem('not_found', `${what} are shown to admin keys alone.`);
    return handler(req, res, caller);
  };

/** Key first, then rate, and both before a byte of the body is read. */
export function createAdmission(deps: {
  keys: ApiKey[];
  adminKeys: ApiKey[];
  rateLimitPerSecond: number | undefined;
  clock: Clock;
}): Admission {
  const authenticate = createAuthenticator(deps);
  const takeToken =
    deps.rateLimitPerSecond === undefined
      ? undefined
      : createRateLimit({ perSecond: deps.rateLimitPerSecond, clock: deps.clock });

  return (handler) => (req, res) => {
    const caller = authenticate(req.headers);
    takeToken?.(caller.owner ?? req.ip ?? '');
    return handler(req, res, caller);
  };
}
