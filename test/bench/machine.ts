import { cpus, release, totalmem } from 'node:os';

/** What the figures were measured on. */
export interface Machine {
  processor: string;
  cores: number;
  memoryGb: number;
  kernel: string;
  node: string;
  mysql: string;
}

export function describeMachine(mysqlVersion: string): Machine {
  const [first] = cpus();
  return {
    processor: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    mysql: mysqlVersion,
  };
}
