import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nextSequence, ReplayWindow } from './replay.ts';

test('every number inside the window is taken once', () => {
  const window = new ReplayWindow();
  assert.ok(window.accept(1));
  assert.not(window.accept(1));
  assert.ok(window.accept(5));
  for (const late of [2, 3, 4]) assert.ok(window.accept(late));
  for (const again of [1, 2, 3, 4, 5]) assert.not(window.accept(again));
});

test('sixteen ahead are taken, more are not; fifteen behind are taken, older ones are not', () => {
  const window = new ReplayWindow();
  assert.not(window.accept(17));
  assert.ok(window.accept(16));
  assert.ok(window.accept(1));
  assert.not(window.accept(0), 'zero belongs to no session');
  assert.ok(window.accept(32));
  assert.not(window.accept(16));
  assert.ok(window.accept(17));
});

test('numbers wrap past 2^32 - 1 without 0', () => {
  assert.is(nextSequence(0), 1);
  assert.is(nextSequence(0xffff_ffff), 1);
  const window = new ReplayWindow(0xffff_fff0);
  assert.ok(window.accept(0xffff_ffff));
  assert.ok(window.accept(1));
  assert.not(window.accept(0xffff_ffff));
});

test.run();
