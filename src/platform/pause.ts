import type { Clock } from './clock.ts';

/** A wait that can be cut short; one at a time. */
export interface Pause {
  /** Resolves when the time is over, or with `end`. */
  for(ms: number): Promise<void>;
  end(): void;
}

export function createPause(clock: Pick<Clock, 'after'>): Pause {
  let end = () => {};
  return {
    for: (ms) =>
      new Promise((resolve) => {
        const cancel = clock.after(ms, resolve);
        end = () => {
          cancel();
          resolve();
        };
      }),
    end: () => end(),
  };
}
