// Never Node's own, which a newer one has: what is accepted must not depend on which Node a replica runs.
import { Temporal } from 'temporal-polyfill/implementation';

/** Not of the year 0, of which a part lies before it in UTC and cannot be told in four digits. */
const LOCAL = /^(?!0000)\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?$/i;
/** A name of the IANA database; no offset, which Temporal would take as well. */
const ZONE = /^[A-Za-z][A-Za-z0-9._+/-]{0,63}$/;
/** Enough for every zone there is; looking one up anew costs a hundred times as much. */
const ZONES_KEPT = 1000;

const zones = new Map<string, boolean>();

/** Whether this is a date and a time that exist on the calendar, without an offset. */
export const isLocalTime = (text: string): boolean =>
  LOCAL.test(text) && passes(() => Temporal.PlainDateTime.from(text));

/** Whether the time zone database of this process knows the name. */
export function isTimeZone(name: string): boolean {
  if (!ZONE.test(name)) return false;
  let known = zones.get(name);
  if (known === undefined) {
    known = passes(() => Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name));
    if (zones.size >= ZONES_KEPT) zones.clear();
    zones.set(name, known);
  }
  return known;
}

/**
 * Epoch ms of a wall clock's reading. One that a clock change skips stands for the first moment after the gap; of one that
 * occurs twice the earlier is meant. Both parts have passed the checks above. What is finer than a millisecond rounds up.
 */
export function instantOfLocalTime(text: string, timezone: string): number {
  const wallTime = Temporal.PlainDateTime.from(text);
  const earlier = wallTime.toZonedDateTime(timezone, { disambiguation: 'earlier' });
  const exists = earlier.toPlainDateTime().equals(wallTime);
  const moment = exists ? earlier : (earlier.getTimeZoneTransition('next') ?? earlier);
  return Math.ceil(Number(moment.epochNanoseconds) / 1_000_000);
}

function passes(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
