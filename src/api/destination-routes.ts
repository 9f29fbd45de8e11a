import type { Express } from 'express';
import type { z } from 'zod';
import {
  byBusyness,
  SILENT_MS,
  sumDestinations,
  type Busyness,
  type Destination,
  type DestinationStore,
} from '../timers/index.ts';
import { adminOnly, type Admission, type CallerHandler } from './admission.ts';
import { allowOnly } from './allow-only.ts';
import { sendJson } from './answer.ts';
import { viewDestination, type destinationList } from './destination-view.ts';
import type { Cursors } from './list-cursor.ts';
import { paging } from './paging.ts';
import { Problem } from './problem.ts';
import { validate } from './validate.ts';

/** The list ends there; any other host that replicas tell of can be asked for by its name. */
const MOST_LISTED = 500;
const LIST = 'destinations';

/** How the hosts are doing that timers call, summed over the replicas that are alive. */
export function mountDestinations(
  app: Express,
  deps: {
    destinations: Pick<DestinationStore, 'listDestinations'>;
    storeClock: { now(): number };
    admit: Admission;
    cursors: Cursors;
  },
): void {
  const { destinations, storeClock, admit, cursors } = deps;

  const current = async (): Promise<Destination[]> =>
    sumDestinations(await destinations.listDestinations({ toldSince: Math.floor(storeClock.now()) - SILENT_MS }));

  const admitAdmin = (handler: CallerHandler) => admit(adminOnly('Destinations', handler));

  const list = admitAdmin(async (req, res) => {
    const { limit, cursor } = validate(paging, req.query);
    const after = cursor === undefined ? undefined : (cursors.open(LIST, cursor) as Busyness);
    const busiest = (await current()).slice(0, MOST_LISTED);
    const rest = after === undefined ? busiest : busiest.filter((found) => byBusyness(after, found) < 0);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    sendJson(res, {
      status: 200,
      body: {
        destinations: page.map(viewDestination),
        next_cursor: last !== undefined && rest.length > limit ? cursors.seal(LIST, busynessOf(last)) : null,
      } satisfies z.infer<typeof destinationList>,
    });
  });

  const read = admitAdmin(async (req, res) => {
    const host = (req.params as { host: string }).host.toLowerCase();
    const found = (await current()).find((destination) => destination.host === host);
    if (found === undefined) throw new Problem('not_found', 'No replica has called this host in the last minute.');
    sendJson(res, { status: 200, body: viewDestination(found) });
  });

  app.route('/destinations').get(list).all(allowOnly('GET'));
  app.route('/destinations/:host').get(read).all(allowOnly('GET'));
}

/** Where in the order a host stood. */
const busynessOf = ({ inFlight, queued, attempts, host }: Destination): Busyness => ({
  inFlight,
  queued,
  attempts,
  host,
});
