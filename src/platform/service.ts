/** Anything that runs beside others: a server, a loop, a pool. */
export interface Service {
  /** Resolves once the service does its work. Rejects when it cannot; then nothing is left running. */
  start(): Promise<void>;
  /** Resolves once nothing of the service runs any more. Safe to call twice, and before `start`. */
  stop(): Promise<void>;
}
