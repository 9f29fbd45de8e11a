import { runBareTimers } from '../bare-timers.ts';
import type { BenchCase } from '../bench-case.ts';
import { distributionOf, inWords } from '../measure.ts';

/** What the machine itself makes of instants: the lateness rows of the same run are to be read against these. */
export const floors: BenchCase[] = [500, 2000, 5000].map((perSecond) => ({
  name: `floor-${perSecond}`,
  title: `bare setTimeout and undici at ${perSecond}/s, no database`,
  target: null,
  async run({ receiver }) {
    const lateness = await runBareTimers(receiver, { perSecond, seconds: 3 });
    const distribution = distributionOf(lateness);
    return { figure: inWords(distribution), met: null, values: { ...distribution }, lateness };
  },
}));
