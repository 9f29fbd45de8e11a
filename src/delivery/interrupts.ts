type Interrupt = () => void;

/**
 * How to end what runs, by the signal that ends it. Many attempts share one signal, and adding a listener to an
 * AbortSignal walks all that are there: here it has one. They stand in an array, of as many as are in flight: the tables
 * that a Set grows out of stay linked to those that follow, so that one that has become old would keep every attempt since
 * until the whole heap is collected.
 */
export function createInterrupts() {
  const bySignal = new Map<AbortSignal, Interrupt[]>();

  const run = (interrupts: Interrupt[] | undefined) => {
    // A copy, as each takes itself out.
    for (const interrupt of [...(interrupts ?? [])]) interrupt();
  };
  const onAbort = ({ target }: Event) => run(bySignal.get(target as AbortSignal));

  return {
    add(signal: AbortSignal, interrupt: Interrupt): void {
      const known = bySignal.get(signal);
      if (known !== undefined) known.push(interrupt);
      else {
        bySignal.set(signal, [interrupt]);
        signal.addEventListener('abort', onAbort);
      }
    },
    delete(signal: AbortSignal, interrupt: Interrupt): void {
      const known = bySignal.get(signal);
      const at = known?.indexOf(interrupt) ?? -1;
      if (known === undefined || at < 0) return;
      known.splice(at, 1);
      if (known.length > 0) return;
      bySignal.delete(signal);
      signal.removeEventListener('abort', onAbort);
    },
    runAll(): void {
      for (const interrupts of bySignal.values()) run(interrupts);
    },
  };
}
