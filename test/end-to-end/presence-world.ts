import { KINDS, startStatusServer, type StatusServer } from '../support/status-server.ts';
import { sized } from './scenario.ts';

/** All times of the full run are five times those of the scaled one. */
const UNIT = sized(5, 1);
export const IDS = Array.from({ length: sized(200, 60) }, (_, index) => index);
export const EVERY_MS = UNIT * 1000;
export const TTL_MS = UNIT * 6000;
export const INTERVAL_MS = UNIT * 600;
const FASTEST_MS = UNIT * 60;
const SLOWEST_MS = UNIT * 800;

/** What a replica that checks objects has in its environment, besides the URL of the status API. */
export const ENV = {
  OBJECTS_TIMEOUT_MS: String(UNIT * 1000),
  OBJECT_TTL_SECONDS: String(TTL_MS / 1000),
  ROUTINE_INTERVAL: String(INTERVAL_MS / 1000),
};

export const kindOf = (id: string) => KINDS[Number(id) % KINDS.length] ?? 'online';

/** A status API that knows objects of every kind. */
export const startMixedStatusServer = (): Promise<StatusServer> =>
  startStatusServer({ kindOf, takesMs: () => FASTEST_MS + Math.random() * (SLOWEST_MS - FASTEST_MS) });

export async function callback(base: string, ids: number[]): Promise<{ status: number; accepted: number }> {
  const response = await fetch(`${base}/callback`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ object_ids: ids }),
  });
  const { accepted } = (await response.json()) as { accepted: number };
  return { status: response.status, accepted };
}
