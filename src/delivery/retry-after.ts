const SECONDS = /^\d+$/;
/** Date.parse takes almost anything with a number in it, and without "GMT" reads it in our own zone. */
const HTTP_DATE = /^[A-Z][a-z]{2,8}, .* GMT$/;

/**
 * What a `Retry-After` asks for, milliseconds from now: whole seconds or an HTTP date (RFC 9110 §10.2.3). Null where there
 * is none, it is not understood, or it lies in the past.
 */
export function parseRetryAfter(value: string | string[] | undefined, now: number): number | null {
  const text = (Array.isArray(value) ? value[0] : value)?.trim() ?? '';
  const waitMs = SECONDS.test(text) ? Number(text) * 1000 : HTTP_DATE.test(text) ? Date.parse(text) - now : NaN;
  return waitMs > 0 ? waitMs : null;
}
