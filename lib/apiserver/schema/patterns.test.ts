// Patterns mean what RE2 means by them, and no text makes one slow.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compilePattern, matches } from './patterns.ts';

test('a pattern is not anchored', () => {
  assert.ok(matches('b+', 'abbc'));
  assert.not(matches('^b', 'ab'));
});

test('flags in front, and anchors of RE2', () => {
  assert.ok(matches('(?i)^ABC$', 'abc'));
  assert.ok(matches('\\Aabc\\z', 'abc'));
  assert.ok(matches('^(?P<name>a)$', 'a'));
});

test('characters beyond 16 bits, and classes of characters', () => {
  assert.ok(matches('^\\p{L}+$', 'äöü'));
  assert.ok(matches('^\\pL[^\\pL]$', 'ä1'));
  assert.not(matches('^\\P{L}$', 'ä'));
  assert.ok(matches('^[\\p{Greek}_]+$', 'α_ω'));
  assert.not(matches('^[\\p{Greek}_]+$', 'a'));
  assert.ok(matches('^[[\\p{Lu}]$', '['));
  assert.ok(matches('^😀{2}$', '😀😀'));
});

test('what RE2 does not know is refused', () => {
  for (const pattern of ['(?=a)', '(?<!a)b', '(a)\\1', '(', '[', '[😀]', '\\p{Nothing}']) {
    assert.throws(
      () => compilePattern(pattern),
      (error: Error) => error instanceof SyntaxError,
      pattern,
    );
  }
});

test('patterns that backtrack for ever elsewhere end', () => {
  // Exponential in a backtracking engine: with these texts it would outlive any deadline.
  assert.not(matches('^(a+)+$', `${'a'.repeat(5000)}b`));
  assert.not(matches('^([a-z]+)*$', `${'a'.repeat(5000)}!`));
  assert.not(matches('^(x+x+)+y$', 'x'.repeat(1000)));
  assert.not(matches('^(\\p{L}+)+$', `${'ä'.repeat(5000)}!`));
  assert.not(matches('^(😀+)+$', `${'😀'.repeat(5000)}!`));
});

test.run();
