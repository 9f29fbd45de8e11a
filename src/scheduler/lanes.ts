import type { HeldTimer } from './held-timer.ts';

/**
 * One lane per destination: its due timers queue here for a free slot. Lanes take turns, so one host's thousands do not
 * hold back another's ten.
 */
export interface Lanes {
  /** The timer is due: it starts now, or as soon as its lane and the replica have a free slot. */
  enqueue(held: HeldTimer, lane: { name: string; concurrency: number }): void;
  /** Takes out the queued timers of which this is so. */
  takeOut(isUnwanted: (held: HeldTimer) => boolean): HeldTimer[];
  readonly queued: number;
  readonly inFlight: number;
}

interface Lane {
  name: string;
  concurrency: number;
  queue: HeldTimer[];
  inFlight: number;
  /** Whether it stands in line for a slot. */
  inLine: boolean;
}

/** `start` performs one attempt to its end and never rejects. */
export function createLanes(deps: { maxConcurrency: number; start: (held: HeldTimer) => Promise<void> }): Lanes {
  const { maxConcurrency, start } = deps;
  const lanes = new Map<string, Lane>();
  let line: Lane[] = [];
  let queued = 0;
  let inFlight = 0;

  const isReady = (lane: Lane) => lane.queue.length > 0 && lane.inFlight < lane.concurrency;

  function standInLine(lane: Lane): void {
    if (lane.inLine || !isReady(lane)) return;
    lane.inLine = true;
    line.push(lane);
  }

  function fillSlots(): void {
    while (inFlight < maxConcurrency) {
      const lane = line.shift();
      if (lane === undefined) return;
      lane.inLine = false;
      const held = isReady(lane) ? lane.queue.shift() : undefined;
      if (held !== undefined) void run(lane, held);
      standInLine(lane);
    }
  }

  async function run(lane: Lane, held: HeldTimer): Promise<void> {
    queued -= 1;
    inFlight += 1;
    lane.inFlight += 1;
    await start(held);
    inFlight -= 1;
    lane.inFlight -= 1;
    if (lane.inFlight === 0 && lane.queue.length === 0) lanes.delete(lane.name);
    standInLine(lane);
    fillSlots();
  }

  return {
    enqueue(held, { name, concurrency }) {
      let lane = lanes.get(name);
      if (lane === undefined) {
        lane = { name, concurrency, queue: [], inFlight: 0, inLine: false };
        lanes.set(name, lane);
      }
      lane.queue.push(held);
      queued += 1;
      standInLine(lane);
      fillSlots();
    },
    takeOut(isUnwanted) {
      const taken: HeldTimer[] = [];
      for (const lane of lanes.values()) {
        const kept = lane.queue.filter((held) => !isUnwanted(held));
        if (kept.length === lane.queue.length) continue;
        taken.push(...lane.queue.filter(isUnwanted));
        lane.queue = kept;
        if (lane.inFlight === 0 && kept.length === 0) lanes.delete(lane.name);
      }
      queued -= taken.length;
      line = line.filter((lane) => lane.queue.length > 0);
      return taken;
    },
    get queued() {
      return queued;
    },
    get inFlight() {
      return inFlight;
    },
  };
}
