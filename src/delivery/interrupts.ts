type Interrupt = () => void;

/**
 * How to end what runs, by the signal that ends it. Many attempts share one signal, and adding a listener to an
 * AbortSignal walks all that are there: here it has one.
 */
export function createInterrupts() {
  const bySignal = new Map<AbortSignal, Set<Interrupt>>();

  const run = (interrupts: Set<Interrupt> | undefined) => {
    for (const interrupt of interrupts ?? []) interrupt();
  };
  const onAbort = ({ target }: Event) => run(bySignal.get(target as AbortSignal));

  return {
    add(signal: AbortSignal, interrupt: Interrupt): void {
      const known = bySignal.get(signal);
      if (known !== undefined) known.add(interrupt);
      else {
        bySignal.set(signal, new Set([interrupt]));
        signal.addEventListener('abort', onAbort);
      }
    },
    delete(signal: AbortSignal, interrupt: Interrupt): void {
      const known = bySignal.get(signal);
      if (known?.delete(interrupt) !== true || known.size > 0) return;
      bySignal.delete(signal);
      signal.removeEventListener('abort', onAbort);
    },
    runAll(): void {
      for (const interrupts of bySignal.values()) run(interrupts);
    },
  };
}
