import { createApi } from './api/index.ts';
import { ConfigError, type Config } from './config.ts';
import { createDelivery, isReservedHeader } from './delivery/index.ts';
import { createClockReader, createRemoteClock, type Clock, type Logger, type Service } from './platform/index.ts';
import { createMetrics } from './metrics/index.ts';
import { createPresence } from './presence/index.ts';
import { createJanitor, createScheduler } from './scheduler/index.ts';
import { openStore } from './store/index.ts';
import type { TargetPolicy } from './timers/index.ts';

/** How often a replica without a scheduler reads the store's clock; the others read it with every pass. */
const CLOCK_INTERVAL_MS = 500;
/** A store that has been silent for this long is not reachable. */
const STORE_SILENCE_MS = 5000;

export interface App extends Service {
  /** Where the API listens. Throws before `start`. */
  address(): { host: string; port: number };
  /** For `drainMs` (0 if none is given) all goes on, while `/ready` says no so that others get the requests; then it ends. */
  stop(given?: { drainMs?: number }): Promise<void>;
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
    const userAgent = `punctual/${version}`;
    const storeClock = createRemoteClock({ clock });
    const delivery = createDelivery({
      ...config.delivery,
      ownPorts: () => (listening === undefined ? [] : [listening.port]),
      clock,
      storeNow: () => storeClock.now(),
      userAgent,
      onBug: (error) => logger.error({ err: error }, 'webhook.failed'),
    });
    refuseGoneUrl(config, delivery.targets);
    const store = await openStore({ ...config.store, clock, logger });
    const clockReader = createClockReader({
      read: () => store.readClock(),
      remoteClock: storeClock,
      clock,
      intervalMs: schedules ? null : CLOCK_INTERVAL_MS,
      onError: (error) => logger.warn({ err: error }, 'store.clock_unreadable'),
    });
    const presence =
      config.presence && createPresence({ ...config.presence, store, storeClock, clock, logger, userAgent });
    const scheduler = createScheduler({
      store,
      storeClock,
      clock,
      actions: [delivery.action, ...(presence ? [presence.action] : [])],
      destinationsOf: delivery.action.name,
      random: Math.random,
      logger,
      onResult: (action, result) => metrics.onResult(action, result),
      settings: config.scheduler,
    });
    const readiness = () => [
      { name: 'store', problem: storeClock.silentForMs() > STORE_SILENCE_MS ? 'the database does not answer' : null },
      { name: 'scheduler', problem: schedules && !scheduler.isBeating() ? 'no pass has succeeded lately' : null },
    ];
    const metrics = createMetrics({
      isReady: () => stopping === undefined && readiness().every(({ problem }) => problem === null),
      load: () => scheduler.load(),
      clockOffsetMs: () => storeClock.now() - clock.now(),
    });
    const janitor = createJanitor({ store, storeClock, clock, random: Math.random, logger, ...config.janitor });
    const api = createApi({
      ...config.api,
      host: config.host,
      port: config.port,
      serveTimers: config.role !== 'scheduler',
      store,
      destinations: store,
      objects: presence?.objects,
      storeClock,
      shortTimers: schedules ? scheduler : { reserve: () => undefined },
      lookaheadMs: config.scheduler.lookaheadMs,
      targets: delivery.targets,
      isReservedHeader,
      metrics,
      readiness,
      weaknesses: () => store.diagnose(),
      clock,
      logger,
      version,
    });
    return { store, clockReader, delivery, presence, scheduler, janitor, api, schedules };
  }

  return {
    async start() {
      parts = await build();
      await parts.clockReader.start();
      await parts.api.start();
      listening = parts.api.address();
      if (parts.schedules) await parts.presence?.checker.start();
      if (parts.schedules) await parts.scheduler.start();
      if (parts.schedules) await parts.janitor.start();
      if (parts.schedules) await parts.presence?.routine.start();
    },
    stop: ({ drainMs = 0 } = {}) =>
      (stopping ??= (async () => {
        if (parts === undefined) return;
        const { api, janitor, presence, scheduler, schedules, clockReader, delivery, store } = parts;
        api.retire();
        if (drainMs > 0) await new Promise<void>((resolve) => clock.after(drainMs, resolve));
        // Beside one another: a client that does not read its answer must not keep timers from being handed back.
        // Nor must any of them wait for another's statement under way, which takes five seconds where the database hangs.
        await Promise.all([
          api.stop(),
          janitor.stop(),
          presence?.routine.stop(),
          scheduler.stop().then(() => (schedules ? presence?.checker.stop() : undefined)),
        ]);
        await clockReader.stop();
        await delivery.close();
        presence?.close();
        await store.close();
      })()),
    address() {
      if (listening === undefined) throw new Error('The service has not been started.');
      return listening;
    },
  };
}

/** The operator is told at the start what a client would be told with every timer. */
function refuseGoneUrl({ presence }: Config, targets: TargetPolicy): void {
  const url = presence?.gone?.url;
  const refusal = url === undefined ? undefined : targets.refusalOf(url);
  if (refusal !== undefined) throw new ConfigError([`OBJECT_GONE_URL: ${refusal}`]);
}
