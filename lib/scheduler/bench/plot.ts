// A bar chart as SVG: one group of bars for each workload, one bar for each way.

export interface Bar {
  readonly name: string;
  readonly value: number;
}

export interface BarGroup {
  readonly name: string;
  readonly bars: readonly Bar[];
}

export interface Axis {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

const LABELS = 230;
const PLOT = 460;
const BAR = 14;
const GAP = 12;
const TOP = 44;
const COLOURS = ['#1f6feb', '#57a773', '#c9a227', '#8a63d2', '#d1495b'];

/** Bars that end before the axis begins have no length; their value is written all the same. */
export function barChart(groups: readonly BarGroup[], { title, from, to, step }: Axis): string {
  const x = (value: number) => LABELS + (PLOT * (Math.min(to, Math.max(from, value)) - from)) / (to - from);
  const parts: string[] = [];
  let y = TOP;
  for (const { name, bars } of groups) {
    bars.forEach((bar, index) => {
      const middle = y + BAR - 4;
      const label = index === 0 ? `${name}: ${bar.name}` : bar.name;
      parts.push(
        text(LABELS - 8, middle, label, 'end', index === 0 ? ' font-weight="bold"' : ''),
        `<rect x="${LABELS}" y="${y + 1}" width="${(x(bar.value) - LABELS).toFixed(1)}" height="${BAR - 3}" fill="${COLOURS[index % COLOURS.length]}"/>`,
        text(x(bar.value) + 5, middle, bar.value.toFixed(1)),
      );
      y += BAR;
    });
    y += GAP;
  }
  const lines: string[] = [];
  for (let value = from; value <= to; value += step) {
    lines.push(
      `<line x1="${x(value)}" y1="${TOP - 6}" x2="${x(value)}" y2="${y - GAP + 2}" stroke="#d0d7de"/>`,
      text(x(value), TOP - 10, String(value), 'middle'),
    );
  }
  const width = LABELS + PLOT + 50;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${y}" fill="white"/>`,
    text(LABELS, 16, title, 'start', ' font-size="13"'),
    ...lines,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, content: string, anchor = 'start', more = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}"${more}>${escaped}</text>`;
}
