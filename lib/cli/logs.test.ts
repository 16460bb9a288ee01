import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { printable } from './commands/logs.ts';

test('what a machine says does not reach the terminal as a command', () => {
  assert.is(printable('a\tb\nÄ☃\n'), 'a\tb\nÄ☃\n');
  assert.is(printable('\u001b[2J\u009b31mred\r\u0007\u202e'), '\ufffd[2J\ufffd31mred\ufffd\ufffd\ufffd');
});

test.run();
