// What healthy hosts notice of unhealthy ones: node test/bench/lanes.ts [number of the case …]
// On a real MySQL, one replica, 300 healthy timers a second on 20 hosts throughout.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase, queryServer } from '../support/databases.ts';
import { startServer } from '../support/database-server.ts';
import type { CrowdOrder } from './crowd-process.ts';
import { makeTimers } from './load.ts';
import { distributionOf } from './measure.ts';
import { peakResidentBytes } from './processor.ts';
import { startService } from './service.ts';

const HEALTHY_RATE = 300;
const SECONDS = 40;
/** The unhealthy ones fall due this long after the healthy traffic began. */
const QUIET_SECONDS = 5;
const GIVE_UP_HOURS = '0.005';

const addresses = (network: number, count: number) =>
  Array.from({ length: count }, (_, index) => `127.0.${network + Math.floor(index / 250)}.${(index % 250) + 1}`);

interface Case {
  name: string;
  others: { hosts: string[]; behaviour: CrowdOrder['behaviour']; timers: number };
  env: Record<string, string>;
}

const impatient = { WEBHOOK_TIMEOUT_MS: '500', MAX_ATTEMPTS: '2', GIVE_UP_AFTER_HOURS: GIVE_UP_HOURS };
const silent = (count: number): Case => ({
  name: `10,000 timers to ${count} silent host${count === 1 ? '' : 's'}`,
  others: { hosts: addresses(50, count), behaviour: 'silent', timers: 10_000 },
  env: impatient,
});
const CASES: Case[] = [
  silent(1),
  silent(10),
  silent(1000),
  {
    name: '10,000 timers to a host that answers in 5 s',
    others: { hosts: addresses(50, 1), behaviour: { delayMs: 5000 }, timers: 10_000 },
    env: { GIVE_UP_AFTER_HOURS: GIVE_UP_HOURS },
  },
  {
    name: '100,000 timers of one fast host in one instant',
    others: { hosts: addresses(50, 1), behaviour: { delayMs: 0 }, timers: 100_000 },
    env: {},
  },
];

process.env.TEST_RUN_PID = String(process.pid);
const chosen = process.argv.slice(2).map(Number);
const rows: Record<string, unknown>[] = [];
for (const [index, one] of CASES.entries()) {
  if (chosen.length === 0 || chosen.includes(index + 1)) rows.push(await run(one, 20_000 + index * 10));
}
console.table(rows);

async function run({ name, others, env }: Case, port: number): Promise<Record<string, unknown>> {
  const server = await startServer('mysql');
  const database = await createDatabase('mysql', server.url);
  const healthyHosts = addresses(40, 20);
  const healthy = await startCrowd({ hosts: healthyHosts, port, behaviour: { delayMs: 0 } });
  const unhealthy = await startCrowd({ hosts: others.hosts, port: port + 1, behaviour: others.behaviour });
  const service = await startService(database.url, { env });
  try {
    const count = HEALTHY_RATE * SECONDS;
    const begin = Date.now() + 5000 + (count + others.timers) / 3;
    const due = (at: number, host: string, ofPort: number) => ({
      due_at: new Date(Math.ceil(at)).toISOString(),
      url: `http://${host}:${ofPort}/hook`,
    });
    const healthyDue = await makeTimers(
      service.url,
      Array.from({ length: count }, (_, index) =>
        due(begin + Math.random() * SECONDS * 1000, healthyHosts[index % 20] ?? '', port),
      ),
    );
    await makeTimers(
      service.url,
      Array.from({ length: others.timers }, (_, index) =>
        due(begin + QUIET_SECONDS * 1000, others.hosts[index % others.hosts.length] ?? '', port + 1),
      ),
    );
    await delay(begin + SECONDS * 1000 + 3000 - Date.now());
    const { arrivals } = await healthy.arrivals();
    const lateness = arrivals.map(({ id, at }) => at - (healthyDue.get(id) ?? Infinity)).sort((a, b) => a - b);
    const { p50, p99, max } = distributionOf(lateness);
    const [ends] = await queryServer(
      database.url,
      `SELECT GROUP_CONCAT(DISTINCT CONCAT(status, ' ', COALESCE(reason, ''))) AS ends,
              MAX(fence - attempts - (status = 'executing')) AS handBacks, SUM(status IN ('done', 'failed')) AS finished
         FROM timers WHERE url LIKE '%:${port + 1}/%'`,
    );
    return {
      case: name,
      healthy: `${lateness.length} of ${count}`,
      p50: p50.toFixed(1),
      p99: p99.toFixed(1),
      max: max.toFixed(0),
      early: lateness.filter((ms) => ms < 0).length,
      'RSS peak MB': Math.round(peakResidentBytes(service.pid) / 1e6),
      'sockets to the others': (await unhealthy.arrivals()).mostOpen,
      'others finished': Number(ends?.finished),
      as: ends?.ends as string,
      'hand-backs each, most': Number(ends?.handBacks),
    };
  } finally {
    await service.stop();
    healthy.stop();
    unhealthy.stop();
    await server.stop();
  }
}

async function startCrowd(order: CrowdOrder) {
  const child = fork(new URL('./crowd-process.ts', import.meta.url), { serialization: 'advanced' });
  child.send(order);
  await once(child, 'message');
  return {
    async arrivals() {
      child.send('arrivals');
      const [answer] = (await once(child, 'message')) as [{ arrivals: { id: string; at: number }[]; mostOpen: number }];
      return answer;
    },
    stop: () => child.kill(),
  };
}
