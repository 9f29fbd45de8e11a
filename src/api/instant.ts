import { z } from 'zod';

/** RFC 3339 §5.6: date, time and offset in full, `T` and `Z` in either case. */
const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i;

/** What lies before it has no four digits for its year, so it could not be told of again. */
const EARLIEST = Date.parse('0000-01-01T00:00:00Z');

/**
 * Epoch ms of an RFC 3339 instant; undefined for anything else, days that do not exist among them. Digits beyond the
 * millisecond round up: due is never before what was asked for.
 */
export function parseInstant(text: string): number | undefined {
  const match = RFC_3339.exec(text);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const date = new Date(0);
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const fractionMs = Math.ceil(Number((match[7] ?? '').padEnd(9, '0')) / 1_000_000);
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0));
  const instant = date.getTime() + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000 + fractionMs;
  return instant < EARLIEST ? undefined : instant;
}

/** A field, or a parameter, that `parseInstant` understands. */
export const instantField = z
  .string()
  .refine((text) => parseInstant(text) !== undefined, {
    error: 'must be an RFC 3339 instant with an offset or Z, such as 2030-12-31T23:59:59Z',
  })
  .meta({ format: 'date-time' });
