// The process: environment, signals, exit codes.
import manifest from '../package.json' with { type: 'json' };
import { createApp } from './app.ts';
import { ConfigError, readConfig } from './config.ts';
import { createLogger, systemClock } from './platform/index.ts';
import { rehearse } from './rehearsal.ts';
import { StoreStartError } from './store/index.ts';

/**
 * A stop takes at most this long after it drained; with three seconds for that, orchestrators that kill after 30 s do not. The
 * scheduler, which takes longest, is done in less by its own bounds, but where the database hangs.
 */
const STOP_WITHIN_MS = 25_000;
/** At Ctrl-C the terminal signals npm and the service alike, and npm passes it on: this soon it is no second one. */
const SAME_SIGNAL_MS = 500;

const config = orFail(() => readConfig(process.env));
const logger = createLogger({ level: config.logLevel, terminal: process.stdout.isTTY });
const app = createApp({ config, clock: systemClock, logger, version: manifest.version });

process.on('uncaughtException', (error) => crash(error, 'process.uncaught_exception'));
process.on('unhandledRejection', (error) => crash(error, 'process.unhandled_rejection'));

let stoppingSince: number | undefined;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => void stop(signal));
}

try {
  if (config.role !== 'api') await rehearse({ ...config.delivery, clock: systemClock, logger });
  await app.start();
} catch (error) {
  if (error instanceof StoreStartError) fail(error.message);
  refuseIfWrong(error);
  if ((error as { code?: string }).code === 'EADDRINUSE')
    fail(`Port ${config.port} on ${config.host} is taken. Stop the other process or set PORT.`);
  throw error;
}
const { host, port } = app.address();
const base = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
const places = config.role === 'scheduler' ? {} : { api: `${base}/timers`, docs: `${base}/docs` };
logger.info(
  { ...places, health: `${base}/health`, role: config.role, store: config.store.settings.engine },
  'service.started',
);

async function stop(signal: string): Promise<void> {
  if (stoppingSince !== undefined) {
    if (systemClock.monotonic() - stoppingSince < SAME_SIGNAL_MS) return;
    process.exit(1);
  }
  stoppingSince = systemClock.monotonic();
  logger.info({ signal }, 'service.stopping');
  // Whoever presses Ctrl-C has nothing before us that would have to notice.
  const drainMs = signal === 'SIGTERM' ? config.drainMs : 0;
  const tooLong = () => crash(new Error('The stop took too long.'), 'service.stop_timed_out');
  setTimeout(tooLong, drainMs + STOP_WITHIN_MS).unref();
  await app.stop({ drainMs });
  logger.info('service.stopped');
  logger.flushNow();
  process.exit(0);
}

function crash(error: unknown, event: string): never {
  logger.fatal({ err: error }, event);
  logger.flushNow();
  process.exit(1);
}

function fail(message: string): never {
  process.stderr.write(`punctual: ${message}\n`);
  process.exit(1);
}

function orFail<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    refuseIfWrong(error);
    throw error;
  }
}

function refuseIfWrong(error: unknown): void {
  if (error instanceof ConfigError) fail(`the configuration is wrong.\n${error.message}`);
}
