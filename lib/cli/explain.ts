// Why a Placement or an Instance is where it is, or nowhere, in a few lines for people. Pure: an explanation in, lines out.
import type { Explanation } from '../scheduler/explain.ts';

/** `home` is the host or device that it has, of the kind `what`. */
export function explanationLines(
  { total, feasible, reasons, nodes }: Explanation,
  home: string | undefined,
  what: 'host' | 'device' = 'host',
): string[] {
  const turnedAway = reasons.map(({ reason, count }) => `${count} ${reason}`).join(', ');
  const lines = [`${feasible} of ${total} ${what}s fit${turnedAway && `; turned away: ${turnedAway}`}`];
  if (nodes.length === 0) return lines;
  const plugins = Object.keys(nodes[0]!.plugins);
  const rows = nodes.map(({ node, score, plugins: parts }) => [
    node === home ? `${node} *` : node,
    String(score),
    ...plugins.map((plugin) => String(parts[plugin])),
  ]);
  const table = [[what.toUpperCase(), 'SCORE', ...plugins], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const drawn = table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
  const legend = nodes.some(({ node }) => node === home) ? ['* where it is'] : [];
  return [...lines, '', ...drawn, ...legend];
}
