export { createApi, type Api, type ApiDeps } from './api.ts';
export { parseApiKeys, type ApiKey } from './api-keys.ts';
export type { Readiness, ReadinessCheck } from './health.ts';
export type { ApiMetrics } from './metrics.ts';
export type { HttpDeadlines } from './listener.ts';
