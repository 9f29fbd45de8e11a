/** By least squares. */
export function slopePerMinute(samples: { ms: number; value: number }[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = mean(samples.map(({ ms }) => ms));
  const level = mean(samples.map(({ value }) => value));
  const rise = samples.reduce((sum, { ms, value }) => sum + (ms - middle) * (value - level), 0);
  const run = samples.reduce((sum, { ms }) => sum + (ms - middle) ** 2, 0);
  return (rise / run) * 60_000;
}
