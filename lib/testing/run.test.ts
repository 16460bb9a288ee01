import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { directives, judge } from './run.ts';

const printed = (total: number, passed: number, skipped: number) =>
  `\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1ms\n`;

test('a file counts as passed only when everything it announced passed or was skipped', () => {
  assert.is(judge('a', printed(3, 3, 1), 0, 1).why, undefined);
  assert.is(judge('a', printed(0, 0, 2), 0, 1).why, undefined, 'all skipped, and said so');
  assert.match(judge('a', printed(3, 2, 1), 0, 1).why ?? '', '1 failed');
  assert.match(judge('a', printed(3, 3, 0), 1, 1).why ?? '', 'exited with 1');
});

test('a file that ran nothing fails, whatever its exit code', () => {
  assert.match(judge('a', '', 0, 1).why ?? '', 'ran no test');
  assert.match(judge('a', printed(0, 0, 0), 0, 1).why ?? '', 'ran no test');
  assert.is(judge('a', '', 0, 1).failed, 1);
});

test('a file that hangs fails, even if its tests had passed', () => {
  assert.match(judge('a', printed(1, 1, 0), null, 1).why ?? '', 'deadline');
});

test('deadline and slowness are read from the head of the file only', () => {
  assert.equal(directives('// test-deadline: 300\n// test-slow\n'), { deadlineSeconds: 300, slow: true });
  assert.equal(directives(`${'\n'.repeat(12)}// test-slow\n`), { deadlineSeconds: 120, slow: false });
});

test.run();
