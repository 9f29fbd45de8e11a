import { setTimeout as delay } from 'node:timers/promises';
import type { BenchCase } from '../bench-case.ts';
import { processorMs } from '../processor.ts';
import { readStatus } from '../server-status.ts';

const WAITING = 1_000_000;
const SETTLE_MS = 3000;
const SECONDS = 15;
const CORE_AT_MOST_PERCENT = 1;
const STATEMENTS_AT_MOST = 3;

export const idle: BenchCase = {
  name: 'idle',
  title: `idle with ${WAITING.toLocaleString('en')} waiting`,
  target: `≤ ${CORE_AT_MOST_PERCENT} % of a core, ≤ ${STATEMENTS_AT_MOST} statements/s`,
  async run(bench) {
    await using service = await bench.startService(await bench.waitingTable(WAITING));
    await delay(SETTLE_MS);
    const questions = async () => (await readStatus(bench.mysql.url, 'Questions')).Questions ?? NaN;
    const usedBefore = processorMs(service.pid);
    const before = await questions();
    await delay(SECONDS * 1000);
    const after = await questions();
    // The question itself is the last of those counted.
    const perSecond = (after - before - 1) / SECONDS;
    const percent = (processorMs(service.pid) - usedBefore) / SECONDS / 10;
    return {
      figure: `${percent.toFixed(2)} % of a core, ${perSecond.toFixed(2)} statements/s`,
      met: percent <= CORE_AT_MOST_PERCENT && perSecond <= STATEMENTS_AT_MOST,
      values: { percent, perSecond },
    };
  },
};
