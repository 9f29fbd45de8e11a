import { quantile } from './measure.ts';

/** One system's lateness, milliseconds, sorted. */
export interface Strip {
  name: string;
  lateness: number[];
  /** Whether it is ours. */
  own: boolean;
}

const WIDTH = 840;
const LEFT = 190;
const RIGHT = 150;
const TOP = 64;
const STRIP = 64;
const HILL = 44;
const AXIS = 46;
/** The axis goes from 0.1 ms to 10 s; what is outside stands at its ends. */
const LEAST_MS = 0.1;
const DECADES = 5;
const BINS_PER_DECADE = 24;
const TICKS = ['0.1 ms', '1 ms', '10 ms', '100 ms', '1 s', '10 s'];

const STYLE = `
  svg { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; }
  .paper { fill: #ffffff; } .ink { fill: #1f2328; } .faint { fill: #59636e; } .line { stroke: #d1d9e0; }
  .own { fill: #0969da; } .peer { fill: #8c959f; } .mark { stroke: #1f2328; } .title { font-weight: 600; font-size: 15px; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; } .ink { fill: #f0f6fc; } .faint { fill: #9198a1; } .line { stroke: #3d444d; }
    .own { fill: #4493f8; } .peer { fill: #656c76; } .mark { stroke: #f0f6fc; }
  }`;

/** How late each was, on one logarithmic axis: a hill per system, whose marks are its p50 and p99. */
export function drawLateness({
  title,
  subtitle,
  strips,
}: {
  title: string;
  subtitle: string;
  strips: Strip[];
}): string {
  const bottom = TOP + strips.length * STRIP;
  const height = bottom + AXIS;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}">
<style>${STYLE}
</style>
<rect class="paper" width="${WIDTH}" height="${height}" rx="6"/>
<text class="ink title" x="20" y="28">${title}</text>
<text class="faint" x="20" y="47">${subtitle}</text>
${TICKS.map((text, decade) => drawTick(text, LEAST_MS * 10 ** decade, bottom)).join('\n')}
${strips.map((strip, index) => drawStrip(strip, TOP + (index + 1) * STRIP - 8)).join('\n')}
</svg>
`;
}

function drawTick(text: string, ms: number, bottom: number): string {
  const x = xOf(ms);
  return `<line class="line" x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}"/><text class="faint" x="${x}" y="${bottom + 20}" text-anchor="middle">${text}</text>`;
}

function drawStrip({ name, lateness, own }: Strip, base: number): string {
  const [p50, p99] = [quantile(lateness, 0.5), quantile(lateness, 0.99)];
  const mark = (ms: number, top: number) =>
    `<line class="mark" x1="${xOf(ms)}" x2="${xOf(ms)}" y1="${base}" y2="${base - top}"/>`;
  return `<text class="ink" x="20" y="${base - 8}">${name}</text>
<path class="${own ? 'own' : 'peer'}" d="${hill(lateness, base)}"/>
${mark(p50, HILL)}${mark(p99, HILL / 2)}
<text class="ink" x="${WIDTH - RIGHT + 20}" y="${base - 18}">p50 ${milliseconds(p50)}</text>
<text class="ink" x="${WIDTH - RIGHT + 20}" y="${base - 2}">p99 ${milliseconds(p99)}</text>`;
}

/** The outline of a histogram whose bins are equally wide on the axis; the highest bin of every system is as high. */
function hill(lateness: number[], base: number): string {
  const counts = new Array<number>(DECADES * BINS_PER_DECADE).fill(0);
  for (const ms of lateness) {
    const bin = Math.floor(decadesOf(ms) * BINS_PER_DECADE);
    const within = Math.min(Math.max(bin, 0), counts.length - 1);
    counts[within] = (counts[within] ?? 0) + 1;
  }
  const highest = Math.max(...counts);
  const points = counts.map((count, bin) => {
    const ms = LEAST_MS * 10 ** ((bin + 0.5) / BINS_PER_DECADE);
    return `L${xOf(ms)} ${rounded(base - (count / highest) * HILL)}`;
  });
  return `M${xOf(LEAST_MS)} ${base}${points.join('')}L${xOf(LEAST_MS * 10 ** DECADES)} ${base}Z`;
}

const decadesOf = (ms: number): number => Math.log10(Math.max(ms, LEAST_MS) / LEAST_MS);
const xOf = (ms: number): number =>
  rounded(LEFT + (Math.min(decadesOf(ms), DECADES) / DECADES) * (WIDTH - LEFT - RIGHT));
const rounded = (value: number): number => Math.round(value * 10) / 10;
const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
