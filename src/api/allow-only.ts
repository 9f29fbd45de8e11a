import type { Request, Response } from 'express';
import { Problem } from './problem.ts';

/** The last handler of a route: answers OPTIONS, and refuses every method that no handler before it took. */
export function allowOnly(...methods: ('GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE')[]) {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (req: Request, res: Response): void => {
    if (req.method === 'OPTIONS') return void res.writeHead(204, { Allow: allow }).end();
    throw new Problem('method_not_allowed', `${req.method} does nothing here; allowed are ${allow}.`, {
      headers: { Allow: allow },
    });
  };
}
