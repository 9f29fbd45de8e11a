import { readdirSync, readFileSync } from 'node:fs';

/** /proc counts in ticks of 10 ms. */
const TICK_MS = 10;

/** User and system time that the process has used, milliseconds. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Starts counting; the answer is what each used per unit of work since then, in microseconds, for people. */
export function countProcessor(pids: Record<string, number>): (units: number) => Record<string, number> {
  const before = Object.entries(pids).map(([name, pid]) => ({ name, pid, ms: processorMs(pid) }));
  return (units) =>
    Object.fromEntries(
      before.map(({ name, pid, ms }) => [`${name} µs`, Math.round(((processorMs(pid) - ms) * 1000) / units)]),
    );
}

export const residentBytes = (pid: number): number => memory(pid, 'VmRSS');
export const peakResidentBytes = (pid: number): number => memory(pid, 'VmHWM');

function memory(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
}

/** Starts counting; the answer is how many cores were busy since then. */
export const countBusyCores = (): (() => number) => countCores(busyMs);

/** Starts counting; the answer is how many cores were busy since then with what is not of this run, for people to judge it by. */
export const countOthers = (): (() => number) => countCores(() => busyMs() - ownMs());

function countCores(usedMs: () => number): () => number {
  const begunAt = performance.now();
  const before = usedMs();
  return () => Math.max(0, (usedMs() - before) / (performance.now() - begunAt));
}

/** All processors, less idling and waiting for disks. */
function busyMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? [];
  return (user + nice + system + irq + softirq + steal) * TICK_MS;
}

/** Of this process and all that descend from it, also of those that have ended. */
function ownMs(): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)));
  const own = new Set([process.pid]);
  for (let before = 0; before < own.size;) {
    before = own.size;
    for (const { pid, parent } of processes) if (own.has(parent)) own.add(pid);
  }
  return processes.reduce((sum, { pid, ticks }) => (own.has(pid) ? sum + ticks : sum), 0) * TICK_MS;
}

function readProcess(pid: number): { pid: number; parent: number; ticks: number }[] {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').map(Number) ?? [];
    // With the time of children that have ended and been waited for.
    const [user = 0, system = 0, ofChildren = 0, systemOfChildren = 0] = fields.slice(11, 15);
    return [{ pid, parent: fields[1] ?? 0, ticks: user + system + ofChildren + systemOfChildren }];
  } catch {
    // It has ended since it was listed.
    return [];
  }
}
