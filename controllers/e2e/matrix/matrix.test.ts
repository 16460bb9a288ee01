// test-deadline: 3000
// A sample of the matrix; MATRIX_CELLS (a number, or `all`) and MATRIX_SEED say which.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OPERATIONS } from '../../../lib/provision/operations/operations.ts';
import { allCells, lives, sample } from './cells.ts';
import { FAULTS } from './faults.ts';
import { faultsIn, report } from './report.ts';
import { runMatrix } from './run.ts';

const COUNT = process.env.MATRIX_CELLS ?? '14';
const SEED = Number(process.env.MATRIX_SEED ?? 1);

test('every step of every operation is in it, and every fault somewhere', () => {
  const cells = allCells();
  for (const [kind, steps] of Object.entries(OPERATIONS))
    for (const [index, step] of steps.entries())
      assert.ok(
        cells.some((cell) => cell.kind === kind && cell.index === index && cell.step === step),
        `${kind} at ${step}`,
      );
  for (const fault of Object.keys(FAULTS))
    assert.ok(
      cells.some((cell) => cell.fault === fault),
      fault,
    );
});

test('lives take each cell once, and of each operation one', () => {
  const cells = allCells();
  const taken = lives(cells).flatMap((life) => [...life.values()]);
  assert.is(new Set(taken).size, cells.length);
  assert.is(taken.length, cells.length);
});

test(`cells: ${COUNT}, seed ${SEED}: each converges, or stops with the right reason and goes on once mended`, async () => {
  const all = allCells();
  const cells = COUNT === 'all' ? all : sample(all, Number(COUNT), SEED);
  const result = await runMatrix({ cells, atOnce: 32, patienceMs: 2_700_000, say: () => undefined });
  assert.is(result.outcomes.length, cells.length);
  assert.equal(faultsIn(result), [], report(result).join('\n'));
});

test.run();
