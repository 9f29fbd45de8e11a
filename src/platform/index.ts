export { systemClock, type Clock } from './clock.ts';
export { createClockReader } from './clock-reader.ts';
export { createLogger, type Logger } from './logger.ts';
export { createPause } from './pause.ts';
export { createRemoteClock, type RemoteClock } from './remote-clock.ts';
export type { Service } from './service.ts';
export { createTicks } from './ticks.ts';
