/** Waits, turn by turn of the event loop, until it is so. Fails after `withinMs` with what was waited for. */
export async function eventually(isSo: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`This did not come about in ${withinMs} ms: ${isSo.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
