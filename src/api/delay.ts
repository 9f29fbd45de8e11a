// Never Node's own, which a newer one has: what is accepted must not depend on which Node a replica runs.
import { Temporal } from 'temporal-polyfill/implementation';

const UNITS_MS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const SHORT = /^(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,15})ms)?$/i;

/**
 * Milliseconds of `1d2h30m` (units w, d, h, m, s, ms in this order) or of an ISO 8601 duration; undefined for anything
 * else, negative ones and those with years or months among them: these have no fixed length. A day is 24 hours, also
 * where a clock change makes it 23. What is finer than a millisecond rounds up.
 */
export function parseDelay(text: string): number | undefined {
  if (text === '') return undefined;
  const short = SHORT.exec(text);
  if (!short) return parseIsoDuration(text);
  return Object.values(UNITS_MS).reduce((sum, unitMs, index) => sum + Number(short[index + 1] ?? 0) * unitMs, 0);
}

function parseIsoDuration(text: string): number | undefined {
  try {
    const duration = Temporal.Duration.from(text);
    const isFixed = duration.years === 0 && duration.months === 0;
    if (!isFixed || duration.sign < 0) return undefined;
    const { weeks, ...rest } = parts(duration);
    // Weeks are days here; the polyfill would ask for a calendar to count them.
    return Math.ceil(Temporal.Duration.from({ ...rest, days: rest.days + weeks * 7 }).total('milliseconds'));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function parts({ weeks, days, hours, minutes, seconds, milliseconds, microseconds, nanoseconds }: Temporal.Duration) {
  return { weeks, days, hours, minutes, seconds, milliseconds, microseconds, nanoseconds };
}
