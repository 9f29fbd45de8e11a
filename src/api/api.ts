import type { RequestListener } from 'node:http';
import type { Clock, Logger, Service } from '../platform/index.ts';
import type {
  DestinationStore,
  ShortTimers,
  TargetPolicy,
  TimerChanges,
  TimerLists,
  TimerStore,
} from '../timers/index.ts';
import { createAdmission } from './admission.ts';
import type { ApiKey } from './api-keys.ts';
import { createBodyBudget } from './body-budget.ts';
import { mountDestinations } from './destination-routes.ts';
import { mountDocs } from './docs-pages.ts';
import { createExpressApp } from './express-app.ts';
import { mountHealth, type Readiness, type Weakness } from './health.ts';
import { createListener, type HttpDeadlines } from './listener.ts';
import { createCursors } from './list-cursor.ts';
import { mountObjects, type Objects } from './object-routes.ts';
import { mountMetrics, type ApiMetrics } from './metrics.ts';
import { createOpenApi } from './openapi.ts';
import { mountTimers } from './timer-routes.ts';
import { createWaiters } from './waiters.ts';

export interface ApiDeps {
  host: string;
  /** 0 for any free port. */
  port: number;
  /** False where the replica only schedules: then nothing but `/health` and `/ready` is served. */
  serveTimers: boolean;
  store: Pick<TimerStore, 'insert' | 'insertKeyed' | 'find' | 'findByKey'> & TimerLists & TimerChanges;
  destinations: Pick<DestinationStore, 'listDestinations'>;
  /** Undefined where nothing of objects is to be seen. */
  objects: Objects | undefined;
  /** The store's clock, epoch ms with fractions. */
  storeClock: { now(): number };
  shortTimers: ShortTimers;
  targets: TargetPolicy;
  /** Names of headers that a client may not set; takes any case. */
  isReservedHeader: (name: string) => boolean;
  metrics: ApiMetrics;
  readiness: () => Readiness | Promise<Readiness>;
  /** What about the store weakens a promise, for `/ready?verbose`. */
  weaknesses: () => Promise<Weakness[]>;
  /** No keys at all leave the API open. */
  keys: ApiKey[];
  adminKeys: ApiKey[];
  /** Refuse whoever does not speak to us as a loopback address, or speaks through a proxy. */
  loopbackOnly: boolean;
  /** Proxies whose `X-Forwarded-For` is believed: a number of hops, or addresses and CIDRs. Undefined for none. */
  trustProxy: number | string[] | undefined;
  /** Per key, or per client address where the API is open. Undefined for no limit. */
  rateLimitPerSecond: number | undefined;
  maxDelayMs: number;
  /** For a timer that names no number of its own. */
  maxAttempts: number;
  /** Longest deadline of one call that a lease covers. */
  maxTimeoutMs: number;
  /** How far ahead a pass finds what is due. */
  lookaheadMs: number;
  clock: Clock;
  logger: Logger;
  version: string;
  /** How long a client may take; the defaults suit production. */
  deadlines?: Partial<HttpDeadlines>;
  /** Open at a time; the default suits production. */
  maxConnections?: number;
}

export interface Api extends Service {
  /** Answers requests without a server of ours, as tests do. */
  app: RequestListener;
  /** Where it listens. Throws before `start`. */
  address(): { host: string; port: number };
  /** From now on `/ready` says no and answers close their connections; requests are served as before until `stop`. */
  retire(): void;
}

/** HTTP in. `stop` refuses what comes from now on, and resolves within seconds, when what was under way is answered or cut. */
export function createApi(deps: ApiDeps): Api {
  const { objects } = deps;
  let retired = false;
  let stopping = false;
  const isStopping = () => stopping;
  const waiters = createWaiters(deps);
  const bodies = createBodyBudget();

  const app = createExpressApp({
    ...deps,
    isStopping,
    mountOpen: (app) => mountHealth(app, { ...deps, isRetired: () => retired }),
    onAnswered: (answer) => deps.metrics.onAnswered(answer),
    mountGuarded(app) {
      const admit = createAdmission(deps);
      mountMetrics(app, { ...deps, admit });
      if (!deps.serveTimers) return;
      const cursors = createCursors(deps);
      mountTimers(app, { ...deps, admit, bodies, isStopping, waiters, cursors });
      mountDestinations(app, { ...deps, admit, cursors });
      if (objects !== undefined) mountObjects(app, { ...deps, objects, admit, bodies, cursors });
      mountDocs(app, {
        openApi: createOpenApi({
          version: deps.version,
          keyed: deps.keys.length + deps.adminKeys.length > 0,
          objects: objects !== undefined,
        }),
      });
    },
  });
  const listener = createListener({
    ...deps,
    handler: app,
    deadlines: deps.deadlines,
    maxConnections: deps.maxConnections,
  });

  const retire = () => {
    retired = true;
    listener.retire();
  };

  return {
    app,
    address: () => listener.address(),
    start: () => listener.start(),
    retire,
    stop() {
      retire();
      stopping = true;
      waiters.stop();
      return listener.stop();
    },
  };
}
