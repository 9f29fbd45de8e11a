// npm run bench: what the service does on this machine, on a real MySQL with full durability, nothing tuned.
import { readFileSync } from 'node:fs';
import { createDatabase } from '../support/databases.ts';
import { startServer } from '../support/database-server.ts';
import { createTimers } from './load.ts';
import { collect, distributionOf } from './measure.ts';
import { startReceiver } from './receiver.ts';
import { startService } from './service.ts';

const LATENESS_RATE = 500;
const LATENESS_SECONDS = 20;
const BURST = 20_000;

process.env.TEST_RUN_PID = String(process.pid);
const server = await startServer('mysql');
const database = await createDatabase('mysql', server.url);
const receiver = await startReceiver();
const service = await startService(database.url);
const rows: Record<string, string>[] = [];

try {
  await lateness(LATENESS_RATE, LATENESS_SECONDS);
  await burst(BURST);
  console.table(rows);
} finally {
  await service.stop();
  receiver.stop();
  await server.stop();
}

async function lateness(rate: number, seconds: number): Promise<void> {
  await receiver.reset();
  const count = rate * seconds;
  // Everything is created before the first is due.
  const begin = Date.now() + 3000 + count / 3;
  const bodies = Array.from({ length: count }, () => at(begin + Math.random() * seconds * 1000));
  const { due } = await createTimers(service.url, bodies);
  const cpuBefore = cpuMs();
  const fired = await collect(receiver, due, begin - Date.now() + seconds * 1000 + 20_000);
  const { p50, p99, max } = distributionOf(fired.lateness);
  rows.push({
    case: `lateness at ${rate}/s, ${seconds} s`,
    result: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`,
    'service CPU per timer': `${(((cpuMs() - cpuBefore) * 1000) / count).toFixed(0)} µs`,
  });
}

async function burst(count: number): Promise<void> {
  await receiver.reset();
  const instant = Date.now() + 3000 + count / 3;
  const created = await createTimers(
    service.url,
    Array.from({ length: count }, () => at(instant)),
  );
  const cpuBefore = cpuMs();
  const fired = await collect(receiver, created.due, instant - Date.now() + 60_000);
  rows.push({
    case: `${count} due in one instant`,
    result: `${Math.round(count / fired.seconds)} fires/s, created at ${Math.round(count / created.seconds)}/s`,
    'service CPU per timer': `${(((cpuMs() - cpuBefore) * 1000) / count).toFixed(0)} µs`,
  });
}

function at(epochMs: number) {
  return { due_at: new Date(Math.ceil(epochMs)).toISOString(), url: receiver.url };
}

/** User and system time that the service's process has used, from /proc (in ticks of 10 ms). */
function cpuMs(): number {
  const fields = readFileSync(`/proc/${service.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
