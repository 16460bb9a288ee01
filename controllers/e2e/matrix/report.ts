// The matrix for people: what each fault came to in each operation. Pure.
import { cellName } from './cells.ts';
import type { MatrixResult } from './run.ts';

/** How a cell ended, in a word or two. */
function wordOf({ struck, reasons, faults }: MatrixResult['outcomes'][number]): string {
  if (faults.length > 0) return 'FAULT';
  if (!struck) return 'nothing to do';
  return reasons.length > 0 ? [...new Set(reasons)].join('+') : 'converged';
}

/** A line for each operation and fault, the faults found, and a last line that tells. */
export function report({ outcomes, violations, deaths }: MatrixResult): string[] {
  const rows = Map.groupBy(outcomes, ({ cell }) => `${cell.kind.padEnd(14)} ${cell.fault.padEnd(26)}`);
  const table = [...rows]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([row, cells]) => {
      const words = [...Map.groupBy(cells, wordOf)].map(
        ([word, those]) => `${word} (${those.map(({ cell }) => cell.step).join(', ')})`,
      );
      return `${row} ${words.join('; ')}`;
    });
  const wrong = faultsIn({ outcomes, violations, deaths });
  const struck = outcomes.filter((outcome) => outcome.struck).length;
  const told = outcomes.filter(({ reasons }) => reasons.length > 0).length;
  return [
    ...table,
    ...wrong,
    `${outcomes.length} cells: ${struck} struck, ${told} of them stopped with a reason and went on once mended; ${deaths} operators killed; ${wrong.length} faults`,
  ];
}

/** Everything that must not be. */
export const faultsIn = ({ outcomes, violations }: MatrixResult): string[] => [
  ...outcomes.flatMap(({ cell, faults }) => faults.map((fault) => `FAULT ${cellName(cell)}: ${fault}`)),
  ...violations.map((violation) => `FAULT ${violation}`),
];
