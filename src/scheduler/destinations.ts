import { randomUUID } from 'node:crypto';
import { createTicks, type Clock, type Logger, type Service } from '../platform/index.ts';
import { byBusyness, type DestinationReport, type DestinationStore } from '../timers/index.ts';
import type { Lane } from './lane.ts';

const INTERVAL_MS = 2000;
/** A lane without anything to do is told of for this long. */
const USED_WITHIN_MS = 60_000;
/** The busiest; some 100 KB of reports. */
const MOST = 500;
/** What a replica left behind that died is of no use to anybody by then. */
const FORGOTTEN_MS = 60_000;

/**
 * Tells every two seconds how the hosts are doing that this replica calls, and takes it back once it calls none: an idle
 * replica sends nothing. Nobody waits for this, and nothing comes of it when the store is away.
 */
export function createDestinations(deps: {
  lanes: { all(): Iterable<Lane> };
  /** Name of the action whose lanes are hosts. */
  action: string;
  store: Pick<DestinationStore, 'publishDestinations' | 'forgetDestinations'>;
  storeClock: { now(): number };
  clock: Clock;
  logger: Logger;
}): Service {
  const { lanes, store, storeClock, clock, logger } = deps;
  const prefix = `${deps.action} `;
  const replica = randomUUID();
  let told = false;

  async function tell(busiest: DestinationReport[]): Promise<void> {
    const now = Math.floor(storeClock.now());
    const starts = !told && busiest.length > 0;
    const ends = told && busiest.length === 0;
    // Also before the first report: whoever died has nobody else to clear up after him.
    if (starts || ends) await store.forgetDestinations({ replica, silentSince: now - FORGOTTEN_MS });
    told = busiest.length > 0;
    if (told) await store.publishDestinations({ replica, now, reports: busiest });
  }

  const onError = (error: unknown) => logger.warn({ err: error }, 'destinations.not_told');
  const ticks = createTicks({ tick: () => tell(reports()), intervalMs: INTERVAL_MS, clock, onError });

  function reports(): DestinationReport[] {
    const now = clock.monotonic();
    return [...lanes.all()]
      .filter((lane) => isHost(lane) && isUsed(lane, now))
      .map((lane) => ({
        lane,
        host: lane.name.slice(prefix.length),
        inFlight: lane.inFlight,
        queued: lane.queue.length,
        ...lane.statistics.lastMinute(now),
      }))
      .sort(byBusyness)
      .slice(0, MOST)
      .map(({ lane, ...counted }) => ({
        ...counted,
        limit: lane.limit.value,
        state: lane.limit.state,
        lateness: lane.statistics.latenessOfLastMinute(now),
        lastError: lane.lastError,
      }));
  }

  /** The lane of a URL that may not be called any more bears that URL. */
  const isHost = ({ name }: Lane) => name.startsWith(prefix) && !name.includes('/');

  const isUsed = (lane: Lane, now: number) =>
    lane.inFlight > 0 || lane.queue.length > 0 || now - lane.usedAt < USED_WITHIN_MS;

  return {
    start: () => ticks.start(),
    async stop() {
      await ticks.stop();
      await tell([]).catch(onError);
    },
  };
}
