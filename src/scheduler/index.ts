export { createScheduler, type Scheduler } from './scheduler.ts';
export type { SchedulerSettings } from './settings.ts';
