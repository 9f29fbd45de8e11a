export { createJanitor, type Janitor } from './janitor.ts';
export { createScheduler, type Scheduler } from './scheduler.ts';
export type { SchedulerSettings } from './settings.ts';
