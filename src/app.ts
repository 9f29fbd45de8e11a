import { createApi } from './api/index.ts';
import type { Config } from './config.ts';
import { createDelivery, isReservedHeader } from './delivery/index.ts';
import { createClockReader, createRemoteClock, type Clock, type Logger, type Service } from './platform/index.ts';
import { createJanitor, createScheduler } from './scheduler/index.ts';
import { openStore } from './store/index.ts';

/** How often a replica without a scheduler reads the store's clock; the others read it with every pass. */
const CLOCK_INTERVAL_MS = 500;
/** A store that has been silent for this long is not reachable. */
const STORE_SILENCE_MS = 5000;

export interface App extends Service {
  /** Where the API listens. Throws before `start`. */
  address(): { host: string; port: number };
}

/** Builds everything and connects it: the one file to read for who knows whom. */
export function createApp(deps: { config: Config; clock: Clock; logger: Logger; version: string }): App {
  const { config, clock, logger, version } = deps;
  let parts: Awaited<ReturnType<typeof build>> | undefined;
  let stopping: Promise<void> | undefined;
  /** Known once the API listens, and needed until the last webhook has ended: by then it listens no more. */
  let listening: { host: string; port: number } | undefined;

  async function build() {
    const schedules = config.role !== 'api';
    const store = await openStore({ ...config.store, clock, logger });
    const storeClock = createRemoteClock({ clock });
    const clockReader = createClockReader({
      read: () => store.readClock(),
      remoteClock: storeClock,
      clock,
      intervalMs: schedules ? null : CLOCK_INTERVAL_MS,
      onError: (error) => logger.warn({ err: error }, 'store.clock_unreadable'),
    });
    const delivery = createDelivery({
      ...config.delivery,
      ownPorts: () => (listening === undefined ? [] : [listening.port]),
      clock,
      storeNow: () => storeClock.now(),
      userAgent: `punctual/${version}`,
    });
    const scheduler = createScheduler({
      store,
      storeClock,
      clock,
      actions: [delivery.action],
      destinationsOf: delivery.action.name,
      random: Math.random,
      logger,
      settings: config.scheduler,
    });
    const janitor = createJanitor({ store, storeClock, clock, random: Math.random, logger, ...config.janitor });
    const api = createApi({
      ...config.api,
      host: config.host,
      port: config.port,
      serveTimers: config.role !== 'scheduler',
      store,
      destinations: store,
      storeClock,
      shortTimers: schedules ? scheduler : { reserve: () => undefined },
      lookaheadMs: config.scheduler.lookaheadMs,
      targets: delivery.targets,
      isReservedHeader,
      readiness: () => [
        { name: 'store', problem: storeClock.silentForMs() > STORE_SILENCE_MS ? 'the database does not answer' : null },
        { name: 'scheduler', problem: schedules && !scheduler.isBeating() ? 'no pass has succeeded lately' : null },
      ],
      weaknesses: () => store.diagnose(),
      clock,
      logger,
      version,
    });
    return { store, clockReader, delivery, scheduler, janitor, api, schedules };
  }

  return {
    async start() {
      parts = await build();
      await parts.clockReader.start();
      await parts.api.start();
      listening = parts.api.address();
      if (parts.schedules) await parts.scheduler.start();
      if (parts.schedules) await parts.janitor.start();
    },
    stop: () =>
      (stopping ??= (async () => {
        if (parts === undefined) return;
        await parts.api.stop();
        await parts.janitor.stop();
        await parts.scheduler.stop();
        await parts.clockReader.stop();
        await parts.delivery.close();
        await parts.store.close();
      })()),
    address() {
      if (listening === undefined) throw new Error('The service has not been started.');
      return listening;
    },
  };
}
