/** What can be ended early. */
export interface Interruptible {
  interrupt(): void;
}

/**
 * How to end what runs, by the signal that ends it. Many attempts share one signal, and adding a listener to an
 * AbortSignal walks all that are there: here it has one. They stand in an array, of as many as are in flight: the tables
 * that a Set grows out of stay linked to those that follow, so that one that has become old would keep every attempt since
 * until the whole heap is collected.
 */
export function createInterrupts() {
  const bySignal = new Map<AbortSignal, Interruptible[]>();

  const interrupt = (all: Interruptible[] | undefined) => {
    // A copy, as each takes itself out.
    for (const running of [...(all ?? [])]) running.interrupt();
  };
  const onAbort = ({ target }: Event) => interrupt(bySignal.get(target as AbortSignal));

  return {
    add(signal: AbortSignal, running: Interruptible): void {
      const known = bySignal.get(signal);
      if (known !== undefined) known.push(running);
      else {
        bySignal.set(signal, [running]);
        signal.addEventListener('abort', onAbort);
      }
    },
    delete(signal: AbortSignal, running: Interruptible): void {
      const known = bySignal.get(signal);
      const at = known?.indexOf(running) ?? -1;
      if (known === undefined || at < 0) return;
      known.splice(at, 1);
      if (known.length > 0) return;
      bySignal.delete(signal);
      signal.removeEventListener('abort', onAbort);
    },
    interruptAll(): void {
      for (const all of bySignal.values()) interrupt(all);
    },
  };
}
