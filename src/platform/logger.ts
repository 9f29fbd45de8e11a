import { pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

/**
 * One JSON object a line; `msg` is the event's stable name (`timer.fired`), the other fields are its facts.
 * On a terminal the same lines are made readable. Lines are gathered for at most a second: at thousands of
 * timers a second one write a line would cost more than the webhook.
 */
export function createLogger({ level, terminal }: { level: string; terminal: boolean }): Logger & { flushNow(): void } {
  const destination = terminal
    ? {
        stream: pretty({ ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', sync: true }) as DestinationStream,
        flush: () => undefined,
      }
    : gatheringDestination();
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination.stream);
  return Object.assign(logger, { flushNow: destination.flush });
}

function gatheringDestination() {
  const stream = pino.destination({ dest: 1, sync: false, minLength: 8192 });
  setInterval(() => stream.flush(), 1000).unref();
  return { stream, flush: () => stream.flushSync() };
}
