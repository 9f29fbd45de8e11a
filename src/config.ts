import { z } from 'zod';
import { parseApiKeys, type ApiKey } from './api/index.ts';
import { readDatabaseSettings } from './database-settings.ts';
import { parseNetworks, parseSigningSecrets, type Network, type SigningSecret } from './delivery/index.ts';
import { parseObjectsUrl, type PresenceSettings } from './presence/index.ts';
import { presenceProblems, toPresenceSettings } from './presence-settings.ts';
import type { SchedulerSettings } from './scheduler/index.ts';
import type { StoreSettings } from './store/index.ts';

/** The environment, read once and checked as a whole. Times in milliseconds. */
export interface Config {
  role: 'all' | 'api' | 'scheduler';
  host: string;
  port: number;
  /** How long all goes on after a SIGTERM while `/ready` says no. */
  drainMs: number;
  logLevel: string;
  store: { settings: StoreSettings; tries: number; waitMs: number };
  scheduler: SchedulerSettings;
  janitor: { retentionMs: number };
  delivery: {
    timeoutMs: number;
    maxTimeoutMs: number;
    concurrencyPerHost: number;
    signingSecrets: SigningSecret[];
    allowedNetworks: Network[];
    allowLoopback: boolean;
  };
  api: {
    keys: ApiKey[];
    adminKeys: ApiKey[];
    loopbackOnly: boolean;
    trustProxy: number | string[] | undefined;
    rateLimitPerSecond: number | undefined;
    maxDelayMs: number;
    maxAttempts: number;
    /** Of a timer's own; what the lease covers. */
    maxTimeoutMs: number;
  };
  /** Undefined where objects are not kept. */
  presence: PresenceSettings | undefined;
}

/** What is wrong with the environment, each problem with the variable's name and the remedy. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Between the end of the longest attempt and the end of the lease: waiting in a lane, recording, and clocks that differ. */
const LEASE_RESERVE_MS = 5000;

const numberLike = (pattern: RegExp, noun: string) => (min: number, max: number) => {
  const error = `must be ${noun} from ${min} to ${max}`;
  return z
    .string()
    .regex(pattern, error)
    .transform(Number)
    .refine((value) => value >= min && value <= max, error);
};
const whole = numberLike(/^\d+$/, 'a whole number');
const decimal = numberLike(/^\d+(\.\d+)?$/, 'a number');

const oneOf = <const T extends string>(...values: T[]) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

/** A parser that throws an Error for people to read. */
const parsed = <T>(parse: (text: string) => T) =>
  z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });

const text = z.string();

/** Every variable there is. The README's table is held against it. */
export const VARIABLES = {
  PORT: whole(0, 65_535).prefault('8080'),
  HOST: text.prefault('127.0.0.1'),
  ROLE: oneOf('all', 'api', 'scheduler').prefault('all'),
  DATABASE_URL: text.optional(),
  DB_HOST: text.optional(),
  DB_PORT: whole(1, 65_535).optional(),
  DB_USER: text.optional(),
  DB_PASSWORD: text.optional(),
  DB_PASSWORD_FILE: text.optional(),
  DB_NAME: text.optional(),
  DB_POOL_SIZE: whole(5, 1000).prefault('12'),
  DB_TLS: oneOf('off', 'required', 'verify').prefault('off'),
  DB_TLS_CA: text.optional(),
  RETRY_NUMBER: whole(1, 10_000).prefault('10'),
  RECONNECT_WAIT_TIME: decimal(0, 3600).prefault('1'),
  BATCH_SIZE: whole(1, 500).prefault('500'),
  // The estimate of the store's clock and the readiness of a replica rest on passes of the last seconds.
  POLL_INTERVAL_MS: whole(10, 2000).prefault('500'),
  LOOKAHEAD_MS: whole(20, 300_000).prefault('1000'),
  LEASE_MS: whole(5000, 3_600_000).prefault('30000'),
  MAX_CONCURRENCY: whole(1, 10_000).prefault('512'),
  MAX_CONCURRENCY_PER_HOST: whole(1, 10_000).prefault('128'),
  MAX_RATE_PER_HOST: decimal(0.01, 1_000_000).optional(),
  WEBHOOK_TIMEOUT_MS: whole(10, 3_000_000).prefault('10000'),
  MAX_ATTEMPTS: whole(1, 1000).prefault('8'),
  GIVE_UP_AFTER_HOURS: decimal(0, 87_600).prefault('72'),
  DRAIN_MS: whole(0, 600_000).prefault('3000'),
  RETENTION_DAYS: decimal(0, 36_500).prefault('7'),
  MAX_DELAY_DAYS: whole(1, 36_500).prefault('3650'),
  API_KEYS: parsed(parseApiKeys).prefault(''),
  ADMIN_API_KEYS: parsed(parseApiKeys).prefault(''),
  ALLOW_ANONYMOUS: oneOf('true', 'false').prefault('false'),
  RATE_LIMIT_PER_SECOND: decimal(0.01, 1_000_000).optional(),
  ALLOWED_NETWORKS: parsed(parseNetworks).prefault(''),
  SIGNING_SECRETS: parsed(parseSigningSecrets).prefault(''),
  TRUST_PROXY: parsed(parseTrustProxy).optional(),
  OBJECTS_URL: parsed(parseObjectsUrl).optional(),
  OBJECTS_TIMEOUT_MS: whole(10, 3_000_000).prefault('5000'),
  OBJECT_TTL_SECONDS: whole(1, 31_536_000).prefault('30'),
  OBJECT_GONE_URL: text.optional(),
  ROUTINE_INTERVAL: decimal(0.1, 3600).prefault('3'),
  MAX_CONSUMERS: whole(1, 10_000).prefault('100'),
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').prefault('info'),
};

/** Throws `ConfigError`. An empty variable counts as not set. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(
    Object.keys(VARIABLES)
      .map((name) => [name, env[name]?.trim()] as const)
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const { success, data, error } = z.object(VARIABLES).safeParse(given);
  if (!success) throw new ConfigError(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}.`));
  const { settings, problems } = readStore(data);
  problems.push(...disproportions(data, settings));
  if (problems.length > 0 || settings === undefined) throw new ConfigError(problems);
  return toConfig(data, settings);
}

type Values = z.output<z.ZodObject<typeof VARIABLES>>;

function readStore(values: Values): { settings: StoreSettings | undefined; problems: string[] } {
  try {
    return { settings: readDatabaseSettings(values), problems: [] };
  } catch (error) {
    return { settings: undefined, problems: [(error as Error).message] };
  }
}

function disproportions(values: Values, store: StoreSettings | undefined): string[] {
  const problems: string[] = [];
  const { LEASE_MS, LOOKAHEAD_MS, WEBHOOK_TIMEOUT_MS, POLL_INTERVAL_MS } = values;
  const leastLease = LOOKAHEAD_MS + WEBHOOK_TIMEOUT_MS + LEASE_RESERVE_MS;
  if (LEASE_MS < leastLease) {
    problems.push(
      `LEASE_MS: ${LEASE_MS} is too short; another replica could take a timer over while it is being sent. Set it to at least ${leastLease} (LOOKAHEAD_MS + WEBHOOK_TIMEOUT_MS + ${LEASE_RESERVE_MS}).`,
    );
  }
  if (LOOKAHEAD_MS < 2 * POLL_INTERVAL_MS) {
    problems.push(
      `LOOKAHEAD_MS: ${LOOKAHEAD_MS} is too short; timers would be found only after they were due. Set it to at least ${2 * POLL_INTERVAL_MS} (twice POLL_INTERVAL_MS).`,
    );
  }
  if (values.ROLE === 'api' && store?.engine === 'sqlite') {
    problems.push(
      'ROLE: "api" needs a scheduler in another process, and one SQLite file serves one process. Use MySQL, or ROLE=all.',
    );
  }
  const shared = values.API_KEYS.find(({ digest }) =>
    values.ADMIN_API_KEYS.some((admin) => admin.digest.equals(digest)),
  );
  if (shared !== undefined) {
    problems.push(
      `ADMIN_API_KEYS: the secret of the key "${shared.name}" of API_KEYS is given again. Give every key its own.`,
    );
  }
  if (isOpen(values) && !isLoopback(values.HOST) && values.ALLOW_ANONYMOUS === 'false' && values.ROLE !== 'scheduler') {
    problems.push(
      `HOST: on ${values.HOST} anyone who reaches the port could have URLs called. Set API_KEYS (name=secret with at least 32 characters), or ALLOW_ANONYMOUS=true if that is meant.`,
    );
  }
  return [...problems, ...presenceProblems(values)];
}

function toConfig(values: Values, settings: StoreSettings): Config {
  const maxTimeoutMs = values.LEASE_MS - values.LOOKAHEAD_MS - LEASE_RESERVE_MS;
  const loopbackOnly = isOpen(values) && isLoopback(values.HOST);
  return {
    role: values.ROLE,
    host: values.HOST,
    port: values.PORT,
    drainMs: values.ROLE === 'scheduler' ? 0 : values.DRAIN_MS,
    logLevel: values.LOG_LEVEL,
    store: { settings, tries: values.RETRY_NUMBER, waitMs: values.RECONNECT_WAIT_TIME * 1000 },
    scheduler: {
      batchSize: values.BATCH_SIZE,
      pollIntervalMs: values.POLL_INTERVAL_MS,
      lookaheadMs: values.LOOKAHEAD_MS,
      leaseMs: values.LEASE_MS,
      maxConcurrency: values.MAX_CONCURRENCY,
      maxRatePerLane: values.MAX_RATE_PER_HOST ?? null,
      giveUpAfterMs: values.GIVE_UP_AFTER_HOURS * HOUR_MS,
    },
    janitor: { retentionMs: values.RETENTION_DAYS * DAY_MS },
    delivery: {
      timeoutMs: values.WEBHOOK_TIMEOUT_MS,
      maxTimeoutMs,
      concurrencyPerHost: values.MAX_CONCURRENCY_PER_HOST,
      signingSecrets: values.SIGNING_SECRETS,
      allowedNetworks: values.ALLOWED_NETWORKS,
      // A scheduler has no API to be open, and sends what clients of other replicas asked for.
      allowLoopback: loopbackOnly && values.ROLE === 'all',
    },
    api: {
      keys: values.API_KEYS,
      adminKeys: values.ADMIN_API_KEYS,
      loopbackOnly,
      trustProxy: values.TRUST_PROXY,
      rateLimitPerSecond: values.RATE_LIMIT_PER_SECOND,
      maxDelayMs: values.MAX_DELAY_DAYS * DAY_MS,
      maxAttempts: values.MAX_ATTEMPTS,
      maxTimeoutMs,
    },
    presence: toPresenceSettings(values),
  };
}

const isOpen = (values: Values): boolean => values.API_KEYS.length === 0 && values.ADMIN_API_KEYS.length === 0;

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/** A number of proxies between us and the client, or their addresses and networks. */
function parseTrustProxy(text: string): number | string[] {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  return parseNetworks(text).map(({ address, prefix }) => `${address}/${prefix}`);
}
