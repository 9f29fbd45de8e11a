import { setTimeout as delay } from 'node:timers/promises';

/** So many turns come to rest what a test set off; who waits for longer waits for others, and leaves the processor to them. */
const BUSY_TURNS = 200;

/** Waits, turn by turn of the event loop, until it is so. Fails after `withinMs` with what was waited for. */
export async function eventually(isSo: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (let turn = 0; !(await isSo()); turn++) {
    if (performance.now() > deadline) throw new Error(`This did not come about in ${withinMs} ms: ${isSo.toString()}`);
    await (turn < BUSY_TURNS ? new Promise((resolve) => setImmediate(resolve)) : delay(1));
  }
}
